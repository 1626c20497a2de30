import { until } from "@reelgate/testkit/latch";
import { startTestRedis } from "@reelgate/testkit/redis-server";
import type { TestRedis } from "@reelgate/testkit/redis-server";
import { Worker } from "bullmq";
import type { Queue, Telemetry } from "bullmq";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { bullmqBatchAdd } from "../src/adapters/batch-add.ts";
import type { JobToAdd } from "../src/adapters/batch-add.ts";
import { createProducer } from "../src/adapters/bullmq-producer.ts";
import { JOB_NAMES, QUEUES } from "../src/contract/jobs.ts";
import type { CallbackJob } from "../src/contract/jobs.ts";
import { createRedis } from "../src/redis.ts";
import type { RedisClient } from "../src/redis.ts";

type CallbackQueue = Queue<CallbackJob, void, string>;

let redis: TestRedis;
let client: RedisClient;

beforeAll(async () => {
  // Events are trimmed by whole nodes, whose end must not depend on how long the ids of the events are.
  redis = await startTestRedis({ settings: { "stream-node-max-entries": "10" } });
  client = await connect();
});

beforeEach(async () => {
  await client.flushall();
});

afterAll(async () => {
  client.disconnect();
  await redis.stop();
});

async function connect(url: string = redis.url): Promise<RedisClient> {
  const made = createRedis({ url, role: "producer", name: "test", onError: () => undefined });
  await until(() => made.status === "ready", { what: "the connection" });
  return made;
}

/** Telemetry whose metadata is what a trace context looks like. */
const TELEMETRY: Telemetry = {
  tracer: {
    startSpan: () => ({
      setSpanOnContext: (at: unknown) => at,
      setAttribute() {},
      setAttributes() {},
      addEvent() {},
      recordException() {},
      end() {},
    }),
  },
  contextManager: {
    with: (_at: unknown, work: () => unknown) => work(),
    active: () => ({}),
    getMetadata: () => METADATA,
    fromMetadata: (at: unknown) => at,
  },
} as unknown as Telemetry;
const METADATA =
  '{"traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01","a":"/é\\""}';

function jobNamed(name: string): JobToAdd<CallbackJob> {
  return {
    id: `cb-${name}`,
    metadata: null,
    data: {
      body: `{"name":"${name}","text":"\\"quoted\\" \u{1f600} /path\u0000\u2028"}`,
      receivedAtMs: 1_764_110_000_123,
      requestId: `request-${name}`,
      remoteAddress: name.length % 2 === 0 ? "192.0.2.1" : null,
      keyIndex: name.length % 2 === 0 ? 0 : null,
    },
  };
}

/** Everything that is in Redis, but the times at which events and jobs were added. */
async function state(): Promise<Record<string, unknown>> {
  const keys = (await client.keys("*")).toSorted();
  const read: Record<string, (key: string) => Promise<unknown>> = {
    string: (key) => client.get(key),
    list: (key) => client.lrange(key, 0, -1),
    hash: async (key) => ({ ...(await client.hgetall(key)), timestamp: "some" }),
    zset: (key) => client.zrange(key, "0", "-1", "WITHSCORES"),
    set: async (key) => (await client.smembers(key)).toSorted(),
    stream: async (key) => (await client.xrange(key, "-", "+")).map(([, fields]) => fields),
  };
  const entries = keys.map(async (key) => {
    const type = await client.type(key);
    return [key, { type, ttl: await client.ttl(key), value: await read[type]?.(key) }] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

interface Case {
  name: string;
  /** What is there before, made by BullMQ itself. */
  before?: (queue: CallbackQueue) => Promise<unknown>;
  /** Ids of the batches that are added one after the other. */
  batches: readonly (readonly string[])[];
  telemetry?: Telemetry;
  /** Of every job; without it they have none. */
  priority?: number;
}

const manyIds = (count: number): string[] => Array.from({ length: count }, (_, at) => `many-${at}`);

async function complete(queue: CallbackQueue, id: string): Promise<void> {
  await queue.add(JOB_NAMES.callbacks, jobNamed(id).data, { jobId: `cb-${id}` });
  const connection = createRedis({
    url: redis.url,
    role: "worker",
    name: "test",
    onError: () => undefined,
  });
  const worker = new Worker(queue.name, async () => {}, {
    prefix: "reelgate",
    connection,
    settings: { backoffStrategy: () => 1 },
  });
  await until(async () => (await queue.getCompletedCount()) === 1, { what: "a completed job" });
  await worker.close();
  connection.disconnect();
  // What a worker leaves is the time of its own work.
  await client.hset(`reelgate:callbacks:cb-${id}`, { processedOn: "1", finishedOn: "2" });
  await client.zadd("reelgate:callbacks:completed", 2, `cb-${id}`);
  await client.del("reelgate:callbacks:stalled-check");
}

const CASES: readonly Case[] = [
  { name: "one job", batches: [["a"]] },
  { name: "many jobs in several batches", batches: [manyIds(32), ["b", "cc"], ["d"]] },
  {
    name: "ids that are there, and twice in a batch",
    batches: [
      ["a", "b"],
      ["b", "c", "c", "a"],
    ],
  },
  { name: "nothing but known ids", batches: [["a"], ["a", "a"]] },
  {
    name: "a completed job of the id",
    before: (queue) => complete(queue, "done"),
    batches: [["x", "done"]],
  },
  { name: "a paused queue", before: (queue) => queue.pause(), batches: [["a", "b"]] },
  {
    name: "a queue that was resumed",
    before: async (queue) => {
      await queue.pause();
      await queue.add("callback", jobNamed("z").data, { jobId: "cb-z" });
      await queue.resume();
    },
    batches: [["a", "b"]],
  },
  {
    name: "a queue with a free place",
    before: (queue) => queue.setGlobalConcurrency(1),
    batches: [["a", "b"]],
  },
  {
    name: "a queue that is busy",
    before: async (queue) => {
      await queue.setGlobalConcurrency(1);
      await client.lpush("reelgate:callbacks:active", "cb-other");
    },
    batches: [["a", "b"]],
  },
  {
    name: "a queue without the length of its events",
    before: () => client.hdel("reelgate:callbacks:meta", "opts.maxLenEvents"),
    batches: [["a", "b"], ["c"]],
  },
  {
    name: "more events than are kept",
    before: () => client.hset("reelgate:callbacks:meta", "opts.maxLenEvents", 50),
    batches: Array.from({ length: 4 }, (_, at) => manyIds(32).map((id) => `${id}-${at}`)),
  },
  {
    name: "jobs of traces",
    telemetry: TELEMETRY,
    batches: [
      ["a", "b"],
      ["b", "c"],
    ],
  },
];

test.each(
  [undefined, 1, 3].flatMap((priority) =>
    CASES.map((one) => ({ ...one, ...(priority === undefined ? {} : { priority }) })),
  ),
)(
  "a batch leaves what BullMQ's own adds leave: $name, priority $priority",
  async ({ before, batches, telemetry, priority }) => {
    const states: Record<string, unknown>[] = [];
    for (const way of ["BullMQ", "batch"]) {
      await client.flushall();
      const queue = createProducer<CallbackJob>({
        queue: QUEUES.callbacks,
        connection: client,
        onError: () => undefined,
        telemetry: telemetry ?? null,
      });
      const metadata = telemetry === undefined ? null : METADATA;
      await until(async () => (await client.exists("reelgate:callbacks:meta")) === 1);
      await before?.(queue);
      const add = bullmqBatchAdd(queue, client, JOB_NAMES.callbacks, priority);
      for (const batch of batches) {
        const jobs = batch.map(jobNamed);
        if (way === "batch") {
          await add(jobs.map((job) => ({ ...job, metadata })));
        } else {
          for (const { id, data } of jobs)
            await queue.add(JOB_NAMES.callbacks, data, {
              jobId: id,
              ...(priority === undefined ? {} : { priority }),
            });
        }
      }
      states.push(await state());
      await queue.close();
    }
    expect(states[1]).toEqual(states[0]);
    // Something was compared.
    expect(Object.keys(states[0] ?? {})).toContain("reelgate:callbacks:events");
  },
);

test("a job without a trace gets neither that of the job before it nor a made-up one", async () => {
  const queue = createProducer<CallbackJob>({
    queue: QUEUES.callbacks,
    connection: client,
    onError: () => undefined,
    telemetry: TELEMETRY,
  });
  const add = bullmqBatchAdd(queue, client, JOB_NAMES.callbacks);
  await add([jobNamed("first"), { ...jobNamed("traced"), metadata: METADATA }, jobNamed("last")]);
  const metadataOf = async (id: string): Promise<unknown> =>
    JSON.parse((await client.hget(`reelgate:callbacks:cb-${id}`, "opts")) ?? "").tm;
  expect(await Promise.all(["first", "traced", "last"].map(metadataOf))).toEqual([
    undefined,
    METADATA,
    undefined,
  ]);
  await queue.close();
});

test.each([undefined, 1])(
  "a worker of BullMQ works on what a batch left, in its order (priority %s)",
  async (priority) => {
    await client.flushall();
    const queue = createProducer<CallbackJob>({
      queue: QUEUES.callbacks,
      connection: client,
      onError: () => undefined,
    });
    const jobs = ["a", "b", "c", ...manyIds(60)].map(jobNamed);
    const add = bullmqBatchAdd(queue, client, JOB_NAMES.callbacks, priority);
    const done: { id: string | undefined; name: string; data: unknown; attempts: unknown }[] = [];
    const connection = createRedis({
      url: redis.url,
      role: "worker",
      name: "test",
      onError: () => undefined,
    });
    const worker = new Worker<CallbackJob, void, string>(
      queue.name,
      async ({ id, name, data, opts }) => {
        done.push({ id, name, data, attempts: opts.attempts });
      },
      { prefix: "reelgate", connection, settings: { backoffStrategy: () => 1 } },
    );
    await worker.waitUntilReady();
    await add(jobs.slice(0, 3));
    await until(() => done.length === 3);
    await add(jobs.slice(3));
    await until(() => done.length === jobs.length);
    await worker.close();
    connection.disconnect();
    await queue.close();
    expect(done.map(({ id, name, data }) => ({ id, name, data }))).toEqual(
      jobs.map(({ id, data }) => ({ id, name: JOB_NAMES.callbacks, data })),
    );
    expect(done.every(({ attempts }) => Number(attempts) >= 1e9)).toBe(true);
  },
);

test("G1: a Redis that is full takes nothing of a batch", async () => {
  const queue = createProducer<CallbackJob>({
    queue: QUEUES.callbacks,
    connection: client,
    onError: () => undefined,
  });
  const add = bullmqBatchAdd(queue, client, JOB_NAMES.callbacks);
  await add([jobNamed("before")]);
  const before = await state();
  await client.config("SET", "maxmemory", "1");
  try {
    await expect(add(["a", "b", "before"].map(jobNamed))).rejects.toThrow(/OOM/u);
    await client.script("FLUSH");
    await expect(add(["a"].map(jobNamed))).rejects.toThrow(/OOM/u);
  } finally {
    await client.config("SET", "maxmemory", "0");
  }
  expect(await state()).toEqual(before);
  // The script is gone from Redis, and sent again.
  await add(["a"].map(jobNamed));
  expect(await client.lrange("reelgate:callbacks:wait", 0, -1)).toEqual(["cb-a", "cb-before"]);
  await queue.close();
});

test.each([
  ...["wait", "events", "marker", "id", "meta"].map((key) => ({ key })),
  ...["prioritized", "pc", "events", "marker", "id", "meta"].map((key) => ({ key, priority: 1 })),
])(
  "G1: a queue whose key $key is broken takes nothing of a batch, priority $priority",
  async ({ key, priority }: { key: string; priority?: number }) => {
    const queue = createProducer<CallbackJob>({
      queue: QUEUES.callbacks,
      connection: client,
      onError: () => undefined,
    });
    const add = bullmqBatchAdd(queue, client, JOB_NAMES.callbacks, priority);
    await until(async () => (await client.exists("reelgate:callbacks:meta")) === 1);
    await client.del(`reelgate:callbacks:${key}`);
    await client.sadd(`reelgate:callbacks:${key}`, "foreign");
    const before = await state();
    await expect(add(["a", "b"].map(jobNamed))).rejects.toThrow(/WRONGTYPE/u);
    expect(await state()).toEqual(before);
    await queue.close();
  },
);
