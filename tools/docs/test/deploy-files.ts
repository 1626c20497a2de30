import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import { z } from "zod";

/** A file or folder of the repository. */
export function inRepository(path: string): string {
  return fileURLToPath(new URL(`../../../${path}`, import.meta.url));
}

export interface Rule {
  alert?: string | undefined;
  record?: string | undefined;
  expr: string;
  labels?: Record<string, string> | undefined;
  annotations?: Record<string, string> | undefined;
}

const ruleSchema: z.ZodType<Rule> = z.object({
  alert: z.string().optional(),
  record: z.string().optional(),
  expr: z.string(),
  labels: z.record(z.string(), z.string()).optional(),
  annotations: z.record(z.string(), z.string()).optional(),
});

export function readRules(): Rule[] {
  const text = readFileSync(inRepository("deploy/prometheus/alerts.yml"), "utf8");
  const file = z
    .object({ groups: z.array(z.object({ rules: z.array(ruleSchema) })) })
    .parse(parse(text));
  return file.groups.flatMap(({ rules }) => rules);
}

interface Target {
  expr: string;
}

export interface Panel {
  type: string;
  title: string;
  datasource?: { uid: string } | undefined;
  gridPos: { x: number; y: number; w: number; h: number };
  fieldConfig?: { defaults: { unit: string } } | undefined;
  targets?: Target[] | undefined;
}

interface GrafanaDashboard {
  panels: Panel[];
  annotations: { list: Target[] };
}

const targetSchema: z.ZodType<Target> = z.object({ expr: z.string() });
const dashboardSchema: z.ZodType<GrafanaDashboard> = z.object({
  panels: z.array(
    z.object({
      type: z.string(),
      title: z.string(),
      datasource: z.object({ uid: z.string() }).optional(),
      gridPos: z.object({ x: z.number(), y: z.number(), w: z.number(), h: z.number() }),
      fieldConfig: z.object({ defaults: z.object({ unit: z.string() }) }).optional(),
      targets: z.array(targetSchema).optional(),
    }),
  ),
  annotations: z.object({ list: z.array(targetSchema) }),
});

export function readDashboard(): GrafanaDashboard {
  const text = readFileSync(inRepository("deploy/grafana/dashboards/reelgate.json"), "utf8");
  return dashboardSchema.parse(JSON.parse(text));
}

/** Every query of the dashboard. */
export function dashboardQueries(): string[] {
  const { panels, annotations } = readDashboard();
  return [...panels.flatMap(({ targets = [] }) => targets), ...annotations.list].map(
    ({ expr }) => expr,
  );
}
