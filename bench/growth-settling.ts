import { dropDatabase } from "@reelgate/catalogue/admin";
import {
  catalogueBytes,
  fillCallbacks,
  removeSettledAfter,
} from "@reelgate/catalogue/bench/fill-callbacks";
import { benchDatabase, startBenchPostgres } from "./bench-product.ts";
import { callbackBodies } from "./callback-bodies.ts";
import { filledCatalogue } from "./catalogue.ts";
import { megabytes, percentile, table } from "./figures.ts";
import type { GrowthPart } from "./growth-waiting.ts";
import { withPhases } from "./phases.ts";
import { settleBacklog } from "./settle-backlog.ts";
import type { SettleCost } from "./settle-backlog.ts";

export interface SettlingOptions {
  /** Recordings, each with its callback, that are in the catalogue before; 0 among them. */
  rows: readonly number[];
  replicas: readonly number[];
  /** Callbacks that each run settles. */
  backlog: number;
  rounds: number;
  /** Where filled catalogues are kept; null for a folder of its own, removed at the end. */
  dataDir: string | null;
}

const ROUND = 1_000_000;

interface Run {
  label: string;
  databaseUrl: string;
  /** What is to be left of the catalogue. */
  rows: number;
  workers: number;
  costs: SettleCost[];
}

/** What settling a callback costs with many in the catalogue already. */
export async function measureSettling(options: SettlingOptions): Promise<GrowthPart> {
  await using postgres = await startBenchPostgres(options.dataDir);
  const { server } = postgres;
  const runs: Run[] = [];
  const sizes: string[] = [];
  for (const rows of options.rows) {
    const name = rows === 0 ? "bench_empty" : `bench_${rows}`;
    if (rows === 0) await dropDatabase(server.adminUrl, name);
    const databaseUrl =
      rows === 0 ? await benchDatabase(server, name) : await filledCatalogue(server, rows);
    if (rows > 0) {
      await withPhases((report) => fillCallbacks(databaseUrl, rows, report));
      const bytes = await catalogueBytes(databaseUrl);
      sizes.push(`${count(rows)} recordings take ${megabytes(bytes)} with all indexes`);
    }
    runs.push({ label: count(rows), databaseUrl, rows, workers: 1, costs: [] });
  }
  await byTurns(options, server, runs);
  const [empty] = runs;
  const largest = runs.at(-1);
  if (empty === undefined || largest === undefined) throw new Error("nothing was measured");
  const bytes = largest.rows === 0 ? 0 : await catalogueBytes(largest.databaseUrl);
  const text = `One worker of stage 1 settles ${count(options.backlog)} callbacks of recordings of their own, which waited in Redis, into catalogues of different size, by turns; medians of ${options.rounds} rounds, of the time between the first and the last tenth. Every recording there has its callback, so that every index has its size: ${sizes.join(", ") || "none was filled"}. µs are of CPU time, for each callback; what is settled is removed again after each round.

${costTable("recordings before", runs)}`;
  const medianOf = medianOfRun(largest);
  return {
    text,
    figures: [
      { name: "workerUs", value: medianOf("workerUs") },
      { name: "redisSettleUs", value: medianOf("redisUs") },
      { name: "postgresUs", value: medianOf("postgresUs") },
      { name: "workerRedisConnections", value: medianOf("redisConnections") },
      { name: "walBytes", value: medianOf("walBytes") },
      { name: "walFsyncs", value: medianOf("walFsyncs") },
      ...(largest.rows === 0
        ? []
        : [{ name: "storedBytes" as const, value: bytes / largest.rows }]),
    ],
  };
}

/** The same backlog for several workers, of stage 1 alone. */
export async function measureReplicas(options: SettlingOptions): Promise<GrowthPart> {
  await using postgres = await startBenchPostgres(options.dataDir);
  const { server } = postgres;
  const runs: Run[] = [];
  for (const workers of options.replicas) {
    const name = `bench_workers_${workers}`;
    await dropDatabase(server.adminUrl, name);
    const databaseUrl = await benchDatabase(server, name);
    runs.push({ label: String(workers), databaseUrl, rows: 0, workers, costs: [] });
  }
  await byTurns(options, server, runs);
  const [one] = runs;
  const text = `${count(options.backlog)} callbacks that waited in Redis, settled by several workers of stage 1, by turns; medians of ${options.rounds} rounds. µs are of CPU time, for each callback. All of it runs on the cores of one machine: where "cores busy" is near what the machine has, more workers cannot settle more, and the rate says nothing of how they would do on cores of their own. What does not depend on that is the CPU that each callback takes: of the worker's ${one === undefined ? "?" : medianOfRun(one)("workerUs").toFixed(0)} µs every further worker on a core of its own adds its share, while Redis' and Postgres' stay theirs.

${costTable("workers", runs)}`;
  return { text, figures: [] };
}

async function byTurns(
  options: SettlingOptions,
  server: Parameters<typeof settleBacklog>[0]["postgres"],
  runs: readonly Run[],
): Promise<void> {
  const bodies = callbackBodies();
  let first = ROUND;
  for (let round = 0; round < options.rounds; round++) {
    for (const run of runs) {
      const { databaseUrl, workers } = run;
      const cost = await settleBacklog({
        postgres: server,
        databaseUrl,
        bodies,
        first,
        count: options.backlog,
        workers,
      });
      first += options.backlog;
      run.costs.push(cost);
      console.log(
        `round ${round + 1}, ${run.label}: ${cost.ratePerS.toFixed(0)} callbacks/s, worker ${cost.workerUs.toFixed(0)} µs, Redis ${cost.redisUs.toFixed(0)} µs, Postgres ${cost.postgresUs.toFixed(0)} µs each`,
      );
      await removeSettledAfter(databaseUrl, run.rows);
    }
  }
}

function medianOfRun({ costs }: Run): (key: keyof SettleCost) => number {
  return (key) =>
    percentile(
      costs.map((cost) => cost[key] ?? Number.NaN),
      0.5,
    );
}

function costTable(head: string, runs: readonly Run[]): string {
  const [base] = runs;
  return table(
    [
      head,
      "callbacks/s",
      "ratio",
      "worker µs",
      "Redis µs",
      "Postgres µs",
      "WAL bytes",
      "WAL fsyncs",
      "cores busy",
    ],
    runs.map((run) => {
      const of = medianOfRun(run);
      const ratios = run.costs.map(
        ({ ratePerS }, round) => ratePerS / (base?.costs[round]?.ratePerS ?? 0),
      );
      return [
        run.label,
        count(Math.round(of("ratePerS"))),
        percentile(ratios, 0.5).toFixed(2),
        of("workerUs").toFixed(0),
        of("redisUs").toFixed(0),
        of("postgresUs").toFixed(0),
        count(Math.round(of("walBytes"))),
        of("walFsyncs").toFixed(3),
        of("busyCores").toFixed(2),
      ];
    }),
  );
}

const count = (value: number): string => value.toLocaleString("en-US");
