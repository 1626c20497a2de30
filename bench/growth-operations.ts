import { auditExtent, faultyRecordings, nextAuditRange } from "@reelgate/catalogue/audit";
import { fillCallbacks } from "@reelgate/catalogue/bench/fill-callbacks";
import { listCallbacks } from "@reelgate/catalogue/callback-log";
import type { CatalogueDatabase } from "@reelgate/catalogue/database";
import { overviewOf } from "@reelgate/catalogue/overview";
import { countCatalogue } from "@reelgate/catalogue/stats";
import { openBenchCatalogue, startBenchPostgres } from "./bench-product.ts";
import { filledCatalogue } from "./catalogue.ts";
import { percentile, table } from "./figures.ts";
import type { GrowthPart } from "./growth-waiting.ts";
import { withPhases } from "./phases.ts";

export interface OperationsOptions {
  rows: readonly number[];
  rounds: number;
  dataDir: string | null;
}

/** The audit's own batch (apps/cli), of which so many are looked at. */
const AUDIT_BATCH = 1000;
const AUDIT_BATCHES = 100;

/** The questions of dashboard and command line that are no page of recordings, in catalogues of different size. */
export async function measureOperations(options: OperationsOptions): Promise<GrowthPart> {
  await using postgres = await startBenchPostgres(options.dataDir);
  const lines: string[][] = [];
  for (const rows of options.rows.filter((one) => one > 0)) {
    const url = await filledCatalogue(postgres.server, rows);
    await withPhases((report) => fillCallbacks(url, rows, report));
    await using catalogue = openBenchCatalogue(url);
    lines.push(...(await askAll(catalogue.db, rows, options.rounds)));
  }
  const text = `Each question ${options.rounds} times, one at a time; milliseconds include the client's work. The audit's are of ${AUDIT_BATCHES} batches of ${AUDIT_BATCH.toLocaleString("en-US")} recordings, evenly over the table, and what that makes of the whole.

${table(["recordings", "question", "median ms", "slowest ms"], lines)}`;
  return { text, figures: [] };
}

async function askAll(db: CatalogueDatabase, rows: number, rounds: number): Promise<string[][]> {
  const questions: [name: string, ask: () => Promise<unknown>][] = [
    ["`GET /api/stats`: all counts", () => countCatalogue(db)],
    ["`GET /api/overview`: the last hour", () => overviewOf(db, 60)],
    [
      "`GET /api/callbacks`: the latest 50",
      () => listCallbacks(db, {}, { limit: 50, cursor: null }),
    ],
  ];
  const lines: string[][] = [];
  const line = (name: string, times: readonly number[], suffix = ""): void => {
    const cells = [percentile(times, 0.5), Math.max(...times)].map((value) => value.toFixed(1));
    lines.push([rows.toLocaleString("en-US"), name + suffix, ...cells]);
    console.log(`${rows} recordings, ${name}: ${cells[0] ?? ""} ms${suffix}`);
  };
  for (const [name, ask] of questions) {
    const times: number[] = [];
    for (let round = 0; round < rounds; round++) times.push(await timed(ask));
    line(name, times);
  }
  const { recordings } = await auditExtent(db);
  const batches: number[] = [];
  for (let batch = 0; batch < AUDIT_BATCHES; batch++) {
    const after = String(Math.floor((recordings * batch) / AUDIT_BATCHES));
    batches.push(
      await timed(async () => {
        const range = await nextAuditRange(db, "recordings", after, AUDIT_BATCH);
        if (range !== null) await faultyRecordings(db, range);
      }),
    );
  }
  const wholeS =
    (batches.reduce((sum, one) => sum + one, 0) / AUDIT_BATCHES / 1000) * (rows / AUDIT_BATCH);
  line("`reelgate audit`: one batch", batches, ` (the whole: ${wholeS.toFixed(0)} s)`);
  return lines;
}

async function timed(ask: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await ask();
  return performance.now() - startedMs;
}
