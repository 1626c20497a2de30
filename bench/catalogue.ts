import { createDatabase, dropDatabase } from "@reelgate/catalogue/admin";
import { explain } from "@reelgate/catalogue/bench/explain";
import type { PlanSummary } from "@reelgate/catalogue/bench/explain";
import { fillRecordings, isFilled, sizesOf, startOf } from "@reelgate/catalogue/bench/fill";
import { listShapes } from "@reelgate/catalogue/bench/list-shapes";
import type { ListShape } from "@reelgate/catalogue/bench/list-shapes";
import type { CatalogueDatabase } from "@reelgate/catalogue/database";
import { listQuery } from "@reelgate/catalogue/list-query";
import type { ListKey } from "@reelgate/catalogue/list-query";
import { migrateToLatest } from "@reelgate/catalogue/migrate";
import { encodeCursor } from "@reelgate/catalogue/page";
import { listRecordings } from "@reelgate/catalogue/recordings";
import { countCatalogue } from "@reelgate/catalogue/stats";
import type { PostgresServer } from "@reelgate/launcher/servers/postgres-server";
import { createProgress } from "@reelgate/shared/progress";
import { openBenchCatalogue, startBenchPostgres } from "./bench-product.ts";
import { megabytes, percentile, table } from "./figures.ts";
import { withPhases } from "./phases.ts";
import { machine, writeSection } from "./results-file.ts";
import { reportTargets } from "./targets.ts";

export interface CatalogueBenchOptions {
  rows: number;
  runs: number;
  /** Null for a folder of its own, removed at the end. */
  dataDir: string | null;
  /** What the reader has to know about this run. */
  note: string | null;
}

const LIMIT = 50;
const MAX_P99_MS = 20;
/** The run whose plans are shown: one whose stream is the busy one. */
const PLANNED_RUN = 3;

interface Measured {
  shape: ListShape;
  firstMs: number[];
  deepMs: number[];
  first: PlanSummary;
  deep: PlanSummary;
}

/** Fills a catalogue unless it is there, then asks for pages of every kind and writes what they took. */
export async function benchCatalogue(options: CatalogueBenchOptions): Promise<void> {
  await using postgres = await startBenchPostgres(options.dataDir);
  await measure(postgres.server, options);
}

async function measure(server: PostgresServer, options: CatalogueBenchOptions): Promise<void> {
  const url = await filledCatalogue(server, options.rows);
  await using catalogue = openBenchCatalogue(url);
  const measured = await measureShapes(catalogue.db, options);
  const countStartedMs = performance.now();
  await countCatalogue(catalogue.db);
  const countMs = performance.now() - countStartedMs;
  const title = `Catalogue pages, ${options.rows.toLocaleString("en-US")} recordings`;
  await writeSection(title, await report(url, options, measured, countMs));
}

/** A catalogue of so many recordings: the one that is there, if it was filled to the end. */
export async function filledCatalogue(server: PostgresServer, rows: number): Promise<string> {
  const name = `bench_${rows}`;
  await createDatabase(server.adminUrl, name);
  const url = server.databaseUrl(name);
  if (await isFilled(url, rows)) {
    await migrateToLatest(url);
    return url;
  }
  await dropDatabase(server.adminUrl, name);
  await createDatabase(server.adminUrl, name);
  await withPhases((onProgress) => fillRecordings({ url, rows, onProgress }));
  return url;
}

/** One page of each kind after the other, so that none has its rows always in memory because it was just asked. */
async function measureShapes(
  db: CatalogueDatabase,
  { rows, runs }: CatalogueBenchOptions,
): Promise<Measured[]> {
  const shapes = listShapes(rows);
  const times = shapes.map((shape) => ({ shape, firstMs: [] as number[], deepMs: [] as number[] }));
  const progress = createProgress(process.stdout);
  progress.start("pages", runs);
  for (let n = 0; n < runs; n++) {
    for (const { shape, firstMs, deepMs } of times) {
      firstMs.push(await timed(db, shape, n, null));
      deepMs.push(await timed(db, shape, n, encodeCursor(placeOf(n, rows))));
    }
    progress.update(n + 1);
  }
  progress.stop();
  const measured: Measured[] = [];
  for (const one of times) {
    const plan = (after: ListKey | null): Promise<PlanSummary> =>
      explain(db, listQuery(one.shape.filter(PLANNED_RUN), after, LIMIT + 1));
    measured.push({ ...one, first: await plan(null), deep: await plan(placeOf(1, rows)) });
  }
  return measured;
}

/** A place somewhere in the list, another one for each run; 7907 is prime, so that they are spread. */
function placeOf(n: number, rows: number): ListKey {
  const row = 1 + ((n * 7907 * 37 + Math.floor(rows / 2)) % rows);
  return [startOf(row), String(row)];
}

async function timed(
  db: CatalogueDatabase,
  shape: ListShape,
  n: number,
  cursor: string | null,
): Promise<number> {
  const startedMs = performance.now();
  await listRecordings(db, shape.filter(n), { limit: LIMIT, cursor });
  return performance.now() - startedMs;
}

const ms = (value: number): string => value.toFixed(1);

async function report(
  url: string,
  { rows, runs, note }: CatalogueBenchOptions,
  measured: readonly Measured[],
  countMs: number,
): Promise<string> {
  const { tableBytes, indexes, version } = await sizesOf(url);
  const p = (values: readonly number[]): string[] => [
    ms(percentile(values, 0.5)),
    ms(percentile(values, 0.99)),
  ];
  const every = measured.flatMap(({ firstMs, deepMs }) => [...firstMs, ...deepMs]);
  const slowestOf = ({ firstMs, deepMs }: Measured): number =>
    Math.max(percentile(firstMs, 0.99), percentile(deepMs, 0.99));
  const slow = measured.filter((one) => slowestOf(one) > MAX_P99_MS);
  const slowest = measured.toSorted((a, b) => slowestOf(b) - slowestOf(a))[0];
  const targets = [
    {
      what: `p99 of every kind of page at ${rows.toLocaleString("en-US")} recordings`,
      measured: `${ms(slowest === undefined ? 0 : slowestOf(slowest))} ms at most (${slowest?.shape.name ?? ""})`,
      wanted: `≤ ${MAX_P99_MS} ms`,
      isMet: slow.length === 0,
    },
  ];
  return `
\`npm run bench -- catalogue --rows ${rows} --runs ${runs}\`, ${new Date().toISOString().slice(0, 10)}, Postgres ${version} with 128 MB of shared buffers, ${machine()}.${note === null ? "" : ` ${note}`}

${rows.toLocaleString("en-US")} recordings in ${megabytes(tableBytes)}, their ${indexes.length} indexes in ${megabytes(indexes.reduce((sum, { bytes }) => sum + bytes, 0))}. The rows are uneven on purpose: see packages/catalogue/bench/fill.ts. They were loaded without secondary indexes, which were then made from the definitions that the server had given of them, so that the schema is the migrated one.

Each page has ${LIMIT} recordings and is read through \`listRecordings\`, one at a time, ${runs} times from the top and ${runs} times from a place in the depth of the list that changes each time, as do the values of the filter. Milliseconds include the client's work; the bench does nothing to the caches of the system. All ${every.length.toLocaleString("en-US")} pages: p50 ${ms(percentile(every, 0.5))} ms, p99 ${ms(percentile(every, 0.99))} ms. ${slow.length === 0 ? `No kind of page has a p99 above ${MAX_P99_MS} ms.` : `p99 above ${MAX_P99_MS} ms: ${slow.map(({ shape }) => shape.name).join("; ")}.`}

${reportTargets(targets)}

${table(
  ["list", "first p50", "first p99", "deep p50", "deep p99"],
  measured.map(({ shape, firstMs, deepMs }) => [shape.name, ...p(firstMs), ...p(deepMs)]),
)}

What Postgres does for the first page and a deep one (EXPLAIN ANALYZE): rows that scans read, most rows that a sort held, pages of 8 KB that were looked at. The rows of a page come from \`recordings_of_ids\`, by a bitmap of their ids.

${table(
  ["list", "indexes", "rows read", "rows sorted", "buffers", "plan + execution ms"],
  measured.map(({ shape, first, deep }) => [
    shape.name,
    first.indexes.join(", "),
    `${first.rowsRead} / ${deep.rowsRead}`,
    `${first.rowsSorted} / ${deep.rowsSorted}`,
    `${first.buffers} / ${deep.buffers}`,
    `${ms(first.planningMs)} + ${ms(first.executionMs)} / ${ms(deep.planningMs)} + ${ms(deep.executionMs)}`,
  ]),
)}

Kinds of nodes in these plans: ${[...new Set(measured.flatMap(({ first, deep }) => [...first.nodes, ...deep.nodes].map((node) => node.split(" (", 1)[0] ?? node)))].toSorted().join(", ")}.

The counts of \`GET /api/stats\` read whole indexes: ${ms(countMs)} ms.

${table(
  ["index", "size"],
  indexes.map(({ name, bytes }) => [name, megabytes(bytes)]),
)}
`;
}
