import { sql } from "kysely";
import type { RawBuilder } from "kysely";
import type { CatalogueDatabase } from "../src/database.ts";

/** What Postgres did for one query, in short. */
export interface PlanSummary {
  /** Node types with their indexes, each once, in the order of the plan. */
  nodes: string[];
  /** Indexes that were read, each once. */
  indexes: string[];
  /** Rows that scans gave or threw away. */
  rowsRead: number;
  /** Most rows that one Sort had to hold. */
  rowsSorted: number;
  /** Pages of 8 KB that were looked at, and those of them that were not in Postgres' own memory. */
  buffers: number;
  buffersRead: number;
  planningMs: number;
  executionMs: number;
}

interface PlanNode {
  "Node Type": string;
  "Index Name"?: string;
  "Actual Rows": number;
  "Actual Loops": number;
  "Rows Removed by Filter"?: number;
  "Shared Hit Blocks": number;
  "Shared Read Blocks": number;
  Plans?: PlanNode[];
}

interface Explained {
  Plan: PlanNode;
  "Planning Time": number;
  "Execution Time": number;
}

/** Runs a query under EXPLAIN ANALYZE. */
export async function explain(
  db: CatalogueDatabase,
  query: RawBuilder<unknown>,
): Promise<PlanSummary> {
  const { rows } = await sql<{ "QUERY PLAN": Explained[] }>`
    explain (analyze, buffers, format json) ${query}`.execute(db);
  const explained = rows[0]?.["QUERY PLAN"][0];
  if (explained === undefined) throw new Error("Postgres explained nothing.");
  const nodes = flatten(explained.Plan);
  const { Plan: top } = explained;
  return {
    nodes: [...new Set(nodes.map(nameOf))],
    indexes: [...new Set(nodes.flatMap((node) => node["Index Name"] ?? []))],
    rowsRead: sum(nodes.filter(isScan).map(rowsReadBy)),
    rowsSorted: Math.max(
      0,
      ...nodes
        .filter((node) => node["Node Type"].endsWith("Sort"))
        .map((node) => sum((node.Plans ?? []).map(rowsReadBy))),
    ),
    buffers: top["Shared Hit Blocks"] + top["Shared Read Blocks"],
    buffersRead: top["Shared Read Blocks"],
    planningMs: explained["Planning Time"],
    executionMs: explained["Execution Time"],
  };
}

function flatten(node: PlanNode): PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(flatten)];
}

function nameOf(node: PlanNode): string {
  const index = node["Index Name"];
  return index === undefined ? node["Node Type"] : `${node["Node Type"]} (${index})`;
}

/** "Subquery Scan" and "CTE Scan" read no table. */
function isScan(node: PlanNode): boolean {
  const type = node["Node Type"];
  return type.endsWith("Scan") && type !== "CTE Scan" && (node.Plans ?? []).length === 0;
}

function rowsReadBy(node: PlanNode): number {
  const rows = node["Actual Rows"] + (node["Rows Removed by Filter"] ?? 0);
  return Math.round(rows * node["Actual Loops"]);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
