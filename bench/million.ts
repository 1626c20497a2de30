import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createProgress } from "@reelgate/shared/progress";
import { readRedisMemory } from "@reelgate/shared/redis-memory";
import { startTestRedis } from "@reelgate/testkit/redis-server";
import { untilReached } from "@reelgate/testkit/until-reached";
import { isClean, runAudit, settledCount } from "./audit-run.ts";
import type { AuditRun } from "./audit-run.ts";
import { benchRedisClient } from "./backlog.ts";
import {
  benchDatabase,
  openBenchCatalogue,
  startBenchIngress,
  startBenchPostgres,
  startBenchWorker,
} from "./bench-product.ts";
import { callbackBodies, inOneDay } from "./callback-bodies.ts";
import { refusedCount, startCallbackLoad } from "./callback-load.ts";
import type { LoadReport } from "./callback-load.ts";
import { growthOf, memoryTable, sampleMemory } from "./memory-samples.ts";
import type { MemorySeries } from "./memory-samples.ts";
import { machine, writeSection } from "./results-file.ts";
import { reportTargets } from "./targets.ts";

export interface MillionBenchOptions {
  count: number;
  /** Worker processes of stage 1. */
  workers: number;
  dataDir: string | null;
  note: string | null;
}

const CONNECTIONS = 64;
const POLL_MS = 200;
/** Longer than anything heals by itself: what has not come by then is lost, which the audit says. */
const STANDSTILL_MS = 120_000;
/** Of a process whose memory does not grow with what passed through it: its heap breathes by as much. */
const MAX_GROWTH = 0.1;
/** What a media job is in Redis, with room: it has two numbers for data. */
const MAX_MEDIA_JOB_BYTES = 1000;
/** A run shorter than this writes no results: it only shows that the way is open. */
const MIN_WRITTEN = 1_000_000;

interface Outcome {
  load: LoadReport;
  settledMs: number;
  series: readonly MemorySeries[];
  audit: AuditRun;
  redisBytes: { before: number; after: number };
}

/** Sends callbacks of recordings of their own as fast as they are taken, has all of them settled, and audits. */
export async function benchMillion(options: MillionBenchOptions): Promise<void> {
  const outcome = await run(options);
  const text = report(options, outcome);
  if (options.count >= MIN_WRITTEN) {
    await writeSection(
      `${options.count.toLocaleString("en-US")} callbacks in, out and audited`,
      text,
    );
  } else {
    console.log(text);
  }
}

async function run({ count, workers, dataDir }: MillionBenchOptions): Promise<Outcome> {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "reelgate-bench-acknowledged-"));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const acknowledgedFile = join(folder, "ids");
  const redis = stack.use(await startTestRedis());
  const postgres = stack.use(await startBenchPostgres(dataDir));
  const databaseUrl = await benchDatabase(postgres.server, `bench_million_${Date.now()}`);
  const { db } = stack.use(openBenchCatalogue(databaseUrl));
  const { client } = stack.use(benchRedisClient(redis.url));
  const servers = { redisUrl: redis.url, databaseUrl };
  const ingress = await startBenchIngress(redis.url);
  stack.use(ingress.app);
  const apps = await Promise.all(
    Array.from({ length: workers }, () =>
      startBenchWorker(servers, { WORKER_STAGES: "callbacks" }),
    ),
  );
  for (const app of apps) stack.use(app);
  const before = (await readRedisMemory(client)).usedBytes;
  const memory = stack.use(
    sampleMemory({
      ingress: ingress.app.pid,
      ...Object.fromEntries(apps.map(({ pid }, n) => [`worker ${n + 1}`, pid])),
      Redis: redis.pid,
      Postgres: postgres.server.pid,
    }),
  );
  const startedMs = performance.now();
  const load = stack.use(
    startCallbackLoad({
      port: ingress.port,
      first: 0,
      count,
      t: inOneDay(),
      connections: CONNECTIONS,
      ratePerS: null,
      durationMs: null,
      acknowledgedFile,
    }),
  );
  const progress = createProgress(process.stdout);
  progress.start("settled", count);
  await untilReached({
    target: count,
    read: () => settledCount(db, count),
    standstillMs: STANDSTILL_MS,
    intervalMs: POLL_MS,
    onRead: (settled) =>
      progress.update(
        Math.min(settled, count),
        `acknowledged ${load.latest.acknowledged.toLocaleString("en-US")}, refused ${refusedCount(load.latest)}`,
      ),
  });
  progress.stop();
  const settledMs = performance.now() - startedMs;
  const sent = await load.ended;
  await memory[Symbol.asyncDispose]();
  const audit = await runAudit(servers, acknowledgedFile);
  const after = (await readRedisMemory(client)).usedBytes;
  return { load: sent, settledMs, series: memory.series, audit, redisBytes: { before, after } };
}

function report(
  { count, workers, note }: MillionBenchOptions,
  { load, settledMs, series, audit, redisBytes }: Outcome,
): string {
  const perS = (ms: number): string => Math.round((count * 1000) / ms).toLocaleString("en-US");
  const flat = series.filter(({ name }) => name !== "Redis");
  const largest = flat.toSorted((a, b) => growthOf(b) - growthOf(a))[0];
  const growth = largest === undefined ? 0 : growthOf(largest);
  const { mediaJobs, acknowledged, recordings } = audit.summary;
  const bytesPerJob = (redisBytes.after - redisBytes.before) / Math.max(1, mediaJobs);
  const number = (value: number): string => value.toLocaleString("en-US");
  const targets = [
    {
      what: `${number(count)} callbacks settled and audited`,
      measured: `${number(acknowledged.settled)} settled, ${number(audit.summary.violations)} violations`,
      wanted: "all, none",
      isMet: load.acknowledged === count && isClean(audit, count),
    },
    {
      what: "memory of ingress, workers and Postgres in the second half",
      measured: `${(growth * 100).toFixed(1)} % more at most (${largest?.name ?? ""})`,
      wanted: `≤ ${MAX_GROWTH * 100} %`,
      isMet: growth <= MAX_GROWTH,
    },
    {
      what: "memory that is left in Redis",
      measured: `${bytesPerJob.toFixed(0)} bytes for each of the ${number(mediaJobs)} media jobs that wait`,
      wanted: `≤ ${number(MAX_MEDIA_JOB_BYTES)}: nothing but those`,
      isMet: bytesPerJob <= MAX_MEDIA_JOB_BYTES,
    },
  ];
  return `
\`npm run bench -- million --count ${count} --workers ${workers}\`, ${new Date().toISOString().slice(0, 10)}, ${machine()}.${note === null ? "" : ` ${note}`}

One ingress, ${workers} worker${workers === 1 ? "" : "s"} of stage 1, Redis with \`appendfsync always\` and Postgres on the same cores as the load. Stage 2 is left out: it would look at files, and what it did would depend on where they are; its jobs wait in Redis, one for each recording. ${CONNECTIONS} connections sent ${callbackBodies().sizeBytes} bytes each as fast as they were taken.

In: ${number(load.acknowledged)} acknowledged in ${(load.elapsedMs / 1000).toFixed(0)} s, ${perS(load.elapsedMs)} a second; p50 ${load.p50Ms.toFixed(0)} ms, p99 ${load.p99Ms.toFixed(0)} ms, slowest ${load.maxMs.toFixed(0)} ms; answered otherwise ${number(refusedCount(load))}, without an answer ${number(load.broken)}. Out: all settled ${(settledMs / 1000).toFixed(0)} s after the first was sent, ${perS(settledMs)} a second; ${number(recordings)} recordings. \`reelgate audit --acknowledged\` took ${(audit.elapsedMs / 1000).toFixed(0)} s.

${reportTargets(targets)}

Memory by process (PSS; Postgres with all its processes), once a second from the first callback to the last outcome. Redis holds what waits.

${memoryTable(series)}
`;
}
