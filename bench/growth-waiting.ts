import { createProducer } from "@reelgate/shared/adapters/bullmq-producer";
import { QUEUES } from "@reelgate/shared/contract/jobs";
import { readRedisMemory } from "@reelgate/shared/redis-memory";
import { startTestRedis } from "@reelgate/testkit/redis-server";
import type { TestRedis } from "@reelgate/testkit/redis-server";
import { benchRedisClient, fillBacklog, infoNumber } from "./backlog.ts";
import { startBenchIngress } from "./bench-product.ts";
import type { BenchIngress } from "./bench-product.ts";
import { callbackBodies, inOneDay } from "./callback-bodies.ts";
import { startCallbackLoad } from "./callback-load.ts";
import { percentile, table } from "./figures.ts";
import type { ModelFigure } from "./model-figures.ts";
import { cpuSeconds } from "./process-usage.ts";
import { reportTargets } from "./targets.ts";

export interface WaitingOptions {
  /** How many callbacks wait, each on a Redis of its own. */
  waiting: readonly number[];
  rounds: number;
  windowMs: number;
}

export interface GrowthPart {
  /** Markdown. */
  text: string;
  figures: readonly ModelFigure[];
}

const CONNECTIONS = 64;
const WARM_UP_MS = 2000;
const MAX_BYTES_PER_WAITING = 2200;
const MIN_RATIO = 0.9;

/**
 * A setting of Redis that keeps the fields of a job in one piece. Nothing needs it: it is measured beside Redis as it
 * comes, for whoever would save memory.
 */
const COMPACT = { "hash-max-listpack-value": "4096" };

interface Level {
  waiting: number;
  isCompact: boolean;
  redis: TestRedis;
  ingress: BenchIngress;
  /** Of Redis' memory, for each that waits; null where none does. */
  bytesEach: number | null;
  /** Of the ingress, to Redis. */
  connections: number;
  windows: Window[];
}

interface Window {
  ratePerS: number;
  p99Ms: number;
  redisUs: number;
  ingressUs: number;
}

const t = inOneDay();
const bodies = callbackBodies(t);

/**
 * What a callback costs, and what it occupies, with others waiting: an ingress and a Redis for each number of them, by
 * turns, so that whatever else the machine does meets all of them.
 */
export async function measureWaiting(options: WaitingOptions): Promise<GrowthPart> {
  await using stack = new AsyncDisposableStack();
  const levels: Level[] = [];
  const compact = { waiting: Math.min(...options.waiting), isCompact: true };
  const plain = [0, ...options.waiting].map((waiting) => ({ waiting, isCompact: false }));
  for (const { waiting, isCompact } of [...plain, compact]) {
    const redis = stack.use(await startTestRedis(isCompact ? { settings: COMPACT } : {}));
    const bytesEach = await fill(redis, waiting);
    const ingress = await startBenchIngress(redis.url);
    stack.use(ingress.app);
    const connections = await connectionsOfOthers(redis);
    levels.push({ waiting, isCompact, redis, ingress, bytesEach, connections, windows: [] });
  }
  let next = Math.max(...options.waiting) + 1;
  for (const level of levels) next += (await oneWindow(level, next, WARM_UP_MS)).acknowledged;
  for (let round = 0; round < options.rounds; round++) {
    // Each round begins with another, so that none is always the one after a pause.
    for (let turn = 0; turn < levels.length; turn++) {
      const level = levels[(round + turn) % levels.length];
      if (level === undefined) continue;
      if (level.waiting === 0) await empty(level.redis);
      const { acknowledged, window } = await oneWindow(level, next, options.windowMs);
      next += acknowledged;
      level.windows.push(window);
      console.log(
        `round ${round + 1}, ${nameOf(level)} waiting: ${Math.round(window.ratePerS)} callbacks/s, ingress ${Math.round(window.ingressUs)} µs, Redis ${Math.round(window.redisUs)} µs each`,
      );
    }
  }
  return report(options, levels);
}

async function fill(redis: TestRedis, waiting: number): Promise<number | null> {
  if (waiting === 0) return null;
  using connection = benchRedisClient(redis.url);
  const before = await readRedisMemory(connection.client);
  await fillBacklog(connection.client, bodies, 0, waiting);
  const after = await readRedisMemory(connection.client);
  return (after.usedBytes - before.usedBytes) / waiting;
}

async function connectionsOfOthers(redis: TestRedis): Promise<number> {
  using connection = benchRedisClient(redis.url);
  return (await infoNumber(connection.client, "connected_clients")) - 1;
}

async function empty(redis: TestRedis): Promise<void> {
  using connection = benchRedisClient(redis.url);
  const queue = createProducer({
    queue: QUEUES.callbacks,
    connection: connection.client,
    onError: () => {},
  });
  await queue.drain();
}

async function oneWindow(
  { redis, ingress }: Level,
  first: number,
  durationMs: number,
): Promise<{ acknowledged: number; window: Window }> {
  const cpu = (): Promise<[number, number]> =>
    Promise.all([cpuSeconds(redis.pid), cpuSeconds(ingress.app.pid)]);
  const [redisBefore, ingressBefore] = await cpu();
  await using load = startCallbackLoad({
    port: ingress.port,
    first,
    count: 10_000_000,
    t,
    connections: CONNECTIONS,
    ratePerS: null,
    durationMs,
    acknowledgedFile: null,
  });
  const { acknowledged, elapsedMs, p99Ms } = await load.ended;
  const [redisAfter, ingressAfter] = await cpu();
  const each = (seconds: number): number => (seconds * 1e6) / acknowledged;
  return {
    acknowledged,
    window: {
      ratePerS: (acknowledged * 1000) / elapsedMs,
      p99Ms,
      redisUs: each(redisAfter - redisBefore),
      ingressUs: each(ingressAfter - ingressBefore),
    },
  };
}

const count = (value: number): string => value.toLocaleString("en-US");
const nameOf = ({ waiting, isCompact }: Level): string =>
  isCompact ? `${count(waiting)}, hash-max-listpack-value 4096` : count(waiting);
const median = (values: readonly number[]): number => percentile(values, 0.5);

function report({ rounds, windowMs }: WaitingOptions, levels: readonly Level[]): GrowthPart {
  const emptyWindows = levels[0]?.windows ?? [];
  const ratioOf = ({ windows }: Level): number =>
    median(windows.map(({ ratePerS }, round) => ratePerS / (emptyWindows[round]?.ratePerS ?? 0)));
  const of = ({ windows }: Level, key: keyof Window): number =>
    median(windows.map((window) => window[key]));
  const filled = levels.filter(({ waiting, isCompact }) => waiting > 0 && !isCompact);
  const targets = filled.flatMap((level) => [
    {
      what: `ingest rate with ${count(level.waiting)} waiting`,
      measured: `${ratioOf(level).toFixed(2)} × that on an empty queue`,
      wanted: `≥ ${MIN_RATIO} ×`,
      isMet: ratioOf(level) >= MIN_RATIO,
    },
    {
      what: `Redis' memory with ${count(level.waiting)} waiting`,
      measured: `${count(Math.round(level.bytesEach ?? 0))} bytes each`,
      wanted: `≤ ${count(MAX_BYTES_PER_WAITING)}`,
      isMet: (level.bytesEach ?? Infinity) <= MAX_BYTES_PER_WAITING,
    },
  ]);
  const text = `${count(bodies.sizeBytes)} bytes of body each, Redis with \`appendfsync always\`, ${CONNECTIONS} connections that send as fast as they are answered; medians of ${rounds} windows of ${windowMs / 1000} s, by turns. µs are of CPU time, for each callback. The ratio is that of two windows of the same round.

${table(
  ["waiting", "callbacks/s", "ratio", "p99 ms", "ingress µs", "Redis µs", "bytes of Redis each"],
  levels.map((level) => [
    nameOf(level),
    count(Math.round(of(level, "ratePerS"))),
    level.waiting === 0 ? "1" : ratioOf(level).toFixed(2),
    of(level, "p99Ms").toFixed(0),
    of(level, "ingressUs").toFixed(0),
    of(level, "redisUs").toFixed(0),
    level.bytesEach === null ? "–" : count(Math.round(level.bytesEach)),
  ]),
)}

${reportTargets(targets)}`;
  const [first] = levels;
  const last = filled.at(-1);
  if (first === undefined || last === undefined) throw new Error("nothing was measured");
  return {
    text,
    figures: [
      { name: "ingressUs", value: of(first, "ingressUs") },
      { name: "redisTakeInUs", value: of(first, "redisUs") },
      { name: "ingressRedisConnections", value: first.connections },
      { name: "redisWaitingBytes", value: last.bytesEach ?? 0 },
    ],
  };
}
