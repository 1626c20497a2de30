import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Queue } from "bullmq";
import { createDatabase, dropDatabase } from "@reelgate/catalogue/admin";
import { settledAmong } from "@reelgate/catalogue/audit";
import { countByOutcome } from "@reelgate/catalogue/callback-log";
import { startRedisServer } from "@reelgate/launcher/servers/redis-server";
import type { RedisServer } from "@reelgate/launcher/servers/redis-server";
import type { PostgresServer } from "@reelgate/launcher/servers/postgres-server";
import { createProducer } from "@reelgate/shared/adapters/bullmq-producer";
import { JOB_NAMES, QUEUES } from "@reelgate/shared/contract/jobs";
import type { CallbackJob } from "@reelgate/shared/contract/jobs";
import { createRedis } from "@reelgate/shared/redis";
import type { RedisClient } from "@reelgate/shared/redis";
import {
  benchDatabase,
  openBenchCatalogue,
  startBenchPostgres,
  startBenchWorker,
} from "./bench-product.ts";
import { callbackBodies } from "./callback-bodies.ts";
import type { CallbackBodies } from "./callback-bodies.ts";
import { percentile, table } from "./figures.ts";
import { cpuSeconds } from "./process-usage.ts";
import { machine, writeSection } from "./results-file.ts";
import { reportTargets } from "./targets.ts";
import { PEERS, startPeer } from "./worker-peer.ts";
import type { Peer } from "./worker-peer.ts";

export interface WorkerBenchOptions {
  /** Callbacks that wait at the beginning of each round. */
  callbacks: number;
  rounds: number;
  /** Jobs that each candidate has in hand at a time. */
  concurrency: number;
  note: string | null;
}

/** Settled before the clock starts, so that nobody is measured while it compiles. */
const WARM_UP = 2000;
const CHUNK = 500;
const TEMPLATE = "bench_template";
/** The worker's default. */
const POOL_SIZE = 10;

/** Of the rate of each peer, at least. */
const WANTED: Record<Peer, number> = { noop: 0.5, singly: 3 };

type Candidate = "worker" | Peer;
const CANDIDATES = ["worker", "noop", "singly"] as const;

interface Round {
  perSecond: number;
  /** Microseconds of CPU for each callback. */
  cpuUs: Record<"process" | "redis" | "postgres", number>;
}

interface Servers {
  redis: RedisServer;
  postgres: PostgresServer;
  client: RedisClient;
  callbacks: Queue<CallbackJob, void, string>;
  media: Queue<unknown, void, string>;
}

/** Lets each candidate take the same waiting callbacks off a queue, in turns, and writes how fast it was. */
export async function benchWorker(options: WorkerBenchOptions): Promise<void> {
  await using opened = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "reelgate-bench-redis-"));
  opened.defer(() => rm(folder, { recursive: true, force: true }));
  const redis = opened.use(
    await startRedisServer({ dataDir: folder, password: "bench", env: process.env }),
  );
  const { server: postgres } = opened.use(await startBenchPostgres(null));
  await benchDatabase(postgres, TEMPLATE);
  const client = createRedis({
    url: redis.url,
    role: "worker",
    name: "reelgate-bench",
    onError: console.error,
  });
  opened.defer(() => client.disconnect());
  const queueOf = <T>(queue: "callbacks" | "media"): Queue<T, void, string> =>
    createProducer<T>({ queue: QUEUES[queue], connection: client, onError: console.error });
  const servers: Servers = {
    redis,
    postgres,
    client,
    callbacks: queueOf<CallbackJob>("callbacks"),
    media: queueOf("media"),
  };
  const rounds: Record<Candidate, Round[]> = { worker: [], noop: [], singly: [] };
  for (let n = 1; n <= options.rounds; n++) {
    for (const candidate of CANDIDATES) {
      const round = await measure(servers, candidate, options);
      rounds[candidate].push(round);
      const { process, redis: ofRedis, postgres: ofPostgres } = round.cpuUs;
      console.log(
        `round ${n}, ${candidate}: ${whole(round.perSecond)}/s, CPU µs ${whole(process)} + ${whole(ofRedis)} Redis + ${whole(ofPostgres)} Postgres`,
      );
    }
  }
  await writeSection("Worker, stage 1", report(options, rounds));
}

async function measure(
  servers: Servers,
  candidate: Candidate,
  options: WorkerBenchOptions,
): Promise<Round> {
  const { redis, postgres, client, callbacks } = servers;
  await client.flushall();
  const name = `bench_${candidate}`;
  await dropDatabase(postgres.adminUrl, name);
  await createDatabase(postgres.adminUrl, name, { template: TEMPLATE });
  const databaseUrl = postgres.databaseUrl(name);
  const bodies = callbackBodies();
  const total = WARM_UP + options.callbacks;
  await using running = await start(candidate, redis.url, databaseUrl, options.concurrency);
  await queueCallbacks(callbacks, bodies, 0, WARM_UP);
  await untilEmpty(callbacks);
  await callbacks.pause();
  await queueCallbacks(callbacks, bodies, WARM_UP, total);
  const cpu = async (): Promise<number[]> =>
    await Promise.all([running.pid, redis.pid, postgres.pid].map(cpuSeconds));
  const before = await cpu();
  const startedMs = performance.now();
  await callbacks.resume();
  await untilEmpty(callbacks);
  const seconds = (performance.now() - startedMs) / 1000;
  const after = await cpu();
  await expectEachDone(servers, candidate, databaseUrl, bodies, total);
  const [process = 0, ofRedis = 0, ofPostgres = 0] = after.map(
    (value, index) => ((value - (before[index] ?? 0)) * 1e6) / options.callbacks,
  );
  return {
    perSecond: options.callbacks / seconds,
    cpuUs: { process, redis: ofRedis, postgres: ofPostgres },
  };
}

function start(
  candidate: Candidate,
  redisUrl: string,
  databaseUrl: string,
  concurrency: number,
): Promise<{ pid: number } & AsyncDisposable> {
  if (candidate !== "worker") {
    return startPeer({ peer: candidate, redisUrl, databaseUrl, concurrency, poolSize: POOL_SIZE });
  }
  return startBenchWorker(
    { redisUrl, databaseUrl },
    { WORKER_STAGES: "callbacks", CALLBACKS_CONCURRENCY: String(concurrency) },
  );
}

async function queueCallbacks(
  queue: Queue<CallbackJob, void, string>,
  bodies: CallbackBodies,
  from: number,
  to: number,
): Promise<void> {
  for (let first = from; first < to; first += CHUNK) {
    const numbers = Array.from({ length: Math.min(CHUNK, to - first) }, (_, n) => first + n);
    await queue.addBulk(
      numbers.map((n) => ({
        name: JOB_NAMES.callbacks,
        data: {
          body: bodies.text(n),
          receivedAtMs: Date.now(),
          requestId: `bench-${n}`,
          remoteAddress: "192.0.2.7",
          keyIndex: 0,
        },
        opts: { jobId: bodies.id(n) },
      })),
    );
  }
}

/** Asks seldom: each question is work for the Redis that is measured. */
async function untilEmpty(queue: Queue<CallbackJob, void, string>): Promise<void> {
  for (;;) {
    const counts = await queue.getJobCounts("waiting", "active", "delayed");
    if (Object.values(counts).every((count) => count === 0)) return;
    await delay(20);
  }
}

/** @throws when a callback has no outcome, or another than its own, or a recording waits for no look. */
async function expectEachDone(
  { callbacks, media }: Servers,
  candidate: Candidate,
  databaseUrl: string,
  bodies: CallbackBodies,
  total: number,
): Promise<void> {
  const open = await callbacks.getJobCounts();
  const { completed, ...rest } = open;
  if (completed === 0 || Object.values(rest).some((count) => count > 0)) {
    throw new Error(`${candidate} left callbacks in the queue: ${JSON.stringify(open)}`);
  }
  if (candidate === "noop") return;
  await using catalogue = openBenchCatalogue(databaseUrl);
  const outcomes = Object.fromEntries(await countByOutcome(catalogue.db));
  if (JSON.stringify(outcomes) !== JSON.stringify({ recorded: total })) {
    throw new Error(
      `${candidate} settled ${total} different callbacks as ${JSON.stringify(outcomes)}`,
    );
  }
  const ids = Array.from({ length: total }, (_, n) => bodies.id(n));
  const settled = await settledAmong(catalogue.db, ids);
  if (settled.size !== total) throw new Error(`${candidate} settled ${settled.size} of ${total}`);
  const looks = await media.getJobCounts();
  if (looks.prioritized !== total) {
    throw new Error(`${candidate} queued other looks than one for each: ${JSON.stringify(looks)}`);
  }
}

const whole = (value: number): string => Math.round(value).toLocaleString("en-US");
const median = (values: readonly number[]): number => percentile(values, 0.5);

function report(
  { callbacks, rounds: count, concurrency, note }: WorkerBenchOptions,
  rounds: Readonly<Record<Candidate, readonly Round[]>>,
): string {
  const rate = (candidate: Candidate): number =>
    median(rounds[candidate].map(({ perSecond }) => perSecond));
  const cpu = (candidate: Candidate, of: keyof Round["cpuUs"]): string =>
    whole(median(rounds[candidate].map(({ cpuUs }) => cpuUs[of])));
  const names: Record<Candidate, string> = { worker: "the worker", ...PEERS };
  const ratio = (other: Candidate): number => rate("worker") / rate(other);
  const times = (other: Candidate): string => ratio(other).toFixed(2);
  const targets = (["noop", "singly"] as const).map((peer) => ({
    what: `rate ÷ that of ${PEERS[peer]}`,
    measured: times(peer),
    wanted: `≥ ${WANTED[peer]}`,
    isMet: ratio(peer) >= WANTED[peer],
  }));
  const wholeCpu = (candidate: Candidate): number =>
    median(rounds[candidate].map(({ cpuUs }) => cpuUs.process + cpuUs.redis + cpuUs.postgres));
  const cpuTimes = (other: Candidate): string => (wholeCpu(other) / wholeCpu("worker")).toFixed(2);
  return `
\`npm run bench -- worker --callbacks ${callbacks} --rounds ${count} --concurrency ${concurrency}\`, ${new Date().toISOString().slice(0, 10)}, Redis with \`appendfsync always\`, Postgres with \`fsync\` and 128 MB of shared buffers, ${machine()}.${note === null ? "" : ` ${note}`}

${whole(callbacks)} signed callbacks of 1 KB, each of another recording, wait in the queue; a process takes them all off it with ${concurrency} in hand, and everything shares the same cores. The candidates take turns, each on an empty Redis and an empty catalogue, after ${whole(WARM_UP)} callbacks that are not counted. After each round every callback has one outcome in the catalogue and every recording one media job in Redis, which nobody works on here; otherwise there is no figure. Medians of ${count} rounds.

The worker does **${times("noop")} ×** what a processor that does nothing does, and **${times("singly")} ×** what one transaction for each callback does. Of the CPU of all processes together, which is what bounds the rate where the cores are shared, it takes ${whole(wholeCpu("worker"))} µs for a callback: ${cpuTimes("noop")} × and ${cpuTimes("singly")} × as many callbacks for the same CPU.

${reportTargets(targets)}

${table(
  ["", "callbacks/s", "rounds", "CPU µs of the process", "of Redis", "of Postgres"],
  CANDIDATES.map((candidate) => [
    names[candidate],
    whole(rate(candidate)),
    rounds[candidate].map(({ perSecond }) => whole(perSecond)).join(", "),
    cpu(candidate, "process"),
    cpu(candidate, "redis"),
    cpu(candidate, "postgres"),
  ]),
)}
`;
}
