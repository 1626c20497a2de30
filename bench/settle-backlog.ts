import { setTimeout as delay } from "node:timers/promises";
import { auditExtent } from "@reelgate/catalogue/audit";
import { checkpoint, readPostgresCounters } from "@reelgate/catalogue/bench/fill-callbacks";
import type { PostgresCounters } from "@reelgate/catalogue/bench/fill-callbacks";
import type { CatalogueDatabase } from "@reelgate/catalogue/database";
import type { PostgresServer } from "@reelgate/launcher/servers/postgres-server";
import { createProgress } from "@reelgate/shared/progress";
import { startTestRedis } from "@reelgate/testkit/redis-server";
import { benchRedisClient, fillBacklog, infoNumber } from "./backlog.ts";
import { openBenchCatalogue, startBenchWorker } from "./bench-product.ts";
import type { CallbackBodies } from "./callback-bodies.ts";
import { cpuSeconds } from "./process-usage.ts";

export interface SettleOptions {
  postgres: PostgresServer;
  databaseUrl: string;
  bodies: CallbackBodies;
  first: number;
  /** How many callbacks wait at the beginning. */
  count: number;
  /** Worker processes of stage 1. */
  workers: number;
}

/** What settling took, for each callback; CPU in µs, of all processes of a kind together. */
export interface SettleCost {
  ratePerS: number;
  workerUs: number;
  redisUs: number;
  postgresUs: number;
  walBytes: number;
  walFsyncs: number | null;
  /** Of one worker, to Redis. */
  redisConnections: number;
  /** Cores that all of these kept busy. */
  busyCores: number;
}

/** The beginning, when workers start, and the end, when not all of them have work, are left out. */
const FROM_SHARE = 0.1;
const TO_SHARE = 0.9;
const POLL_MS = 50;

interface Reading {
  atMs: number;
  settled: number;
  worker: number;
  redis: number;
  postgres: number;
  counters: PostgresCounters;
}

/** Has workers settle a backlog, and says what it cost between its first and its last tenth. */
export async function settleBacklog(options: SettleOptions): Promise<SettleCost> {
  const { postgres, databaseUrl, bodies, first, count } = options;
  await using stack = new AsyncDisposableStack();
  const redis = stack.use(await startTestRedis());
  const { client } = stack.use(benchRedisClient(redis.url));
  await fillBacklog(client, bodies, first, count);
  const { db } = stack.use(openBenchCatalogue(databaseUrl));
  const before = await lastSeq(db);
  const connectionsBefore = await infoNumber(client, "connected_clients");
  await checkpoint(databaseUrl);
  const apps = await Promise.all(
    Array.from({ length: options.workers }, () =>
      startBenchWorker({ redisUrl: redis.url, databaseUrl }, { WORKER_STAGES: "callbacks" }),
    ),
  );
  for (const app of apps) stack.use(app);
  const read = async (): Promise<Reading> => {
    const worker = await Promise.all(apps.map(({ pid }) => cpuSeconds(pid)));
    return {
      worker: worker.reduce((sum, one) => sum + one, 0),
      redis: await cpuSeconds(redis.pid),
      postgres: await cpuSeconds(postgres.pid),
      counters: await readPostgresCounters(databaseUrl),
      settled: (await lastSeq(db)) - before,
      atMs: performance.now(),
    };
  };
  const progress = createProgress(process.stdout);
  progress.start("settled", count);
  let begin: Reading | null = null;
  for (;;) {
    const settled = (await lastSeq(db)) - before;
    progress.update(Math.min(settled, count));
    if (begin === null && settled >= count * FROM_SHARE) begin = await read();
    if (settled >= count * TO_SHARE) break;
    await delay(POLL_MS);
  }
  const end = await read();
  progress.stop();
  if (begin === null || begin.settled >= end.settled) {
    throw new Error(`a backlog of ${count} was settled too fast to be measured`);
  }
  const connections = (await infoNumber(client, "connected_clients")) - connectionsBefore;
  return { ...costBetween(begin, end), redisConnections: connections / options.workers };
}

/**
 * The number of the last callback: they have no gaps but those of aborted transactions and of callbacks that came again,
 * and nothing comes again to a worker that is left in peace.
 */
async function lastSeq(db: CatalogueDatabase): Promise<number> {
  return (await auditExtent(db)).callbacks;
}

function costBetween(begin: Reading, end: Reading): Omit<SettleCost, "redisConnections"> {
  const settled = end.settled - begin.settled;
  const wallS = (end.atMs - begin.atMs) / 1000;
  const spent = (key: "worker" | "redis" | "postgres"): number => end[key] - begin[key];
  const each = (seconds: number): number => (seconds * 1e6) / settled;
  const fsyncs =
    begin.counters.walFsyncs === null || end.counters.walFsyncs === null
      ? null
      : (end.counters.walFsyncs - begin.counters.walFsyncs) / settled;
  return {
    ratePerS: settled / wallS,
    workerUs: each(spent("worker")),
    redisUs: each(spent("redis")),
    postgresUs: each(spent("postgres")),
    walBytes: (end.counters.walBytes - begin.counters.walBytes) / settled,
    walFsyncs: fsyncs,
    busyCores: (spent("worker") + spent("redis") + spent("postgres")) / wallS,
  };
}
