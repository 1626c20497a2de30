import { createProducer } from "@reelgate/shared/adapters/bullmq-producer";
import { KEPT_JOBS } from "@reelgate/shared/adapters/kept-jobs";
import { JOB_NAMES, QUEUES, QUEUE_PREFIX } from "@reelgate/shared/contract/jobs";
import { createRedis } from "@reelgate/shared/redis";
import type { RedisClient } from "@reelgate/shared/redis";
import { createLatch, until } from "@reelgate/testkit/latch";
import { startTestRedis } from "@reelgate/testkit/redis-server";
import type { TestRedis } from "@reelgate/testkit/redis-server";
import { Worker } from "bullmq";
import type { Job, Queue, WorkerOptions } from "bullmq";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { batchedEnds } from "../src/adapters/batched-ends.ts";
import { startBullmqStage } from "../src/adapters/bullmq-stage.ts";

type TestQueue = Queue<{ n: number }, void, string>;

let redis: TestRedis;
let client: RedisClient;

beforeAll(async () => {
  // Events are trimmed by whole nodes, whose end must not depend on how long the ids of the events are.
  redis = await startTestRedis({ settings: { "stream-node-max-entries": "10" } });
  client = connect();
});
beforeEach(() => client.flushall());
afterAll(async () => {
  client.disconnect();
  await redis.stop();
});

function connect(): RedisClient {
  return createRedis({ url: redis.url, role: "worker", name: "test", onError: () => undefined });
}

function openQueue(): TestQueue {
  return createProducer({ queue: QUEUES.callbacks, connection: client, onError: () => undefined });
}

async function addJobs(
  queue: TestQueue,
  from: number,
  to: number,
  priority?: number,
): Promise<void> {
  await queue.addBulk(
    Array.from({ length: to - from }, (_, n) => ({
      name: JOB_NAMES.callbacks,
      data: { n: from + n },
      opts: { jobId: `cb-${from + n}`, ...(priority === undefined ? {} : { priority }) },
    })),
  );
}

/** A worker whose jobs wait until they are let go, all that are in hand in one turn. */
class HeldWorker implements AsyncDisposable {
  readonly errors: string[] = [];
  readonly begun: string[] = [];
  readonly #connection = connect();
  readonly #worker: Worker<{ n: number }, void, string>;
  #held: (() => void)[] = [];

  constructor(
    isBatched: boolean,
    processor: (job: Job) => void = () => undefined,
    options: Partial<WorkerOptions> = {},
  ) {
    const process = async (job: Job<{ n: number }, void, string>): Promise<void> => {
      this.begun.push(job.id ?? "");
      await new Promise<void>((resolve) => this.#held.push(resolve));
      processor(job);
    };
    const all: WorkerOptions = {
      prefix: QUEUE_PREFIX,
      connection: this.#connection,
      concurrency: 8,
      settings: { backoffStrategy: () => 60_000 },
      ...KEPT_JOBS.callbacks,
      ...options,
    };
    this.#worker = isBatched
      ? new Worker(QUEUES.callbacks, process, all, batchedEnds)
      : new Worker(QUEUES.callbacks, process, all);
    this.#worker.on("error", (error) => this.errors.push(error.message));
  }

  async untilHeld(count: number): Promise<void> {
    await until(() => this.#held.length === count, { what: `${count} jobs in hand` });
  }

  letGo(): void {
    const held = this.#held;
    this.#held = [];
    for (const go of held) go();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.letGo();
    await this.#worker.close();
    this.#connection.disconnect();
  }
}

/** Everything that is in Redis, but times and tokens, which are never the same twice, and what idle workers take. */
async function state(): Promise<Record<string, unknown>> {
  const keys = (await client.keys("*")).filter((key) => !/:(?:stalled-check|marker)$/u.test(key));
  const timeless = (fields: Record<string, string>): Record<string, string> =>
    Object.fromEntries(
      Object.entries(fields).map(([field, value]) => [
        field,
        /^\d{13}$/u.test(value) ? "a time" : value,
      ]),
    );
  const read: Record<string, (key: string) => Promise<unknown>> = {
    string: async (key) => (key.endsWith(":lock") ? "a token" : await client.get(key)),
    list: (key) => client.lrange(key, 0, -1),
    hash: async (key) => timeless(await client.hgetall(key)),
    zset: (key) => client.zrange(key, "0", "-1"),
    set: async (key) => (await client.smembers(key)).toSorted(),
    stream: async (key) =>
      (await client.xrange(key, "-", "+")).map(([, fields]) =>
        fields.map((value) => (/^\d{13}$/u.test(value) ? "a time" : value)),
      ),
  };
  const entries = keys.toSorted().map(async (key) => {
    const type = await client.type(key);
    return [
      key,
      { type, expires: (await client.ttl(key)) > 0, value: await read[type]?.(key) },
    ] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

interface Case {
  name: string;
  before?: (queue: TestQueue) => Promise<unknown>;
  /** While the first jobs are in hand. */
  meanwhile?: (queue: TestQueue) => Promise<unknown>;
  processor?: (job: Job) => void;
  options?: Partial<WorkerOptions>;
  /** Jobs in hand after the first are let go. */
  next: number;
}

const CASES: readonly Case[] = [
  { name: "more jobs wait", before: (queue) => addJobs(queue, 0, 20), next: 8 },
  { name: "no more jobs wait", before: (queue) => addJobs(queue, 0, 8), next: 0 },
  { name: "fewer wait than ended", before: (queue) => addJobs(queue, 0, 11), next: 3 },
  {
    name: "jobs with a priority wait",
    before: (queue) => addJobs(queue, 0, 8),
    meanwhile: async (queue) => {
      await addJobs(queue, 20, 23, 2);
      await addJobs(queue, 30, 33, 1);
    },
    next: 6,
  },
  {
    name: "a delayed job has come due",
    before: (queue) => addJobs(queue, 0, 10),
    meanwhile: async (queue) => {
      const { timestamp } = await queue.add("callback", { n: 50 }, { jobId: "cb-50", delay: 1 });
      await until(() => Date.now() > timestamp + 1);
    },
    next: 3,
  },
  {
    name: "the queue was paused",
    before: (queue) => addJobs(queue, 0, 20),
    meanwhile: (queue) => queue.pause(),
    next: 0,
  },
  {
    name: "the queue may have less in hand",
    before: (queue) => addJobs(queue, 0, 20),
    meanwhile: (queue) => queue.setGlobalConcurrency(3),
    next: 3,
  },
  {
    name: "few ended jobs are kept",
    before: (queue) => addJobs(queue, 0, 20),
    options: { removeOnComplete: { count: 3 } },
    next: 8,
  },
  {
    name: "no ended job is kept",
    before: (queue) => addJobs(queue, 0, 20),
    options: { removeOnComplete: { count: 0 } },
    next: 8,
  },
  {
    name: "BullMQ counts what ended",
    before: (queue) => addJobs(queue, 0, 20),
    options: { metrics: { maxDataPoints: 10 } },
    next: 8,
  },
  {
    name: "the worker has a name",
    before: (queue) => addJobs(queue, 0, 20),
    options: { name: "one" },
    next: 8,
  },
  {
    name: "a job has a deduplication key",
    before: async (queue) => {
      await queue.add("callback", { n: 60 }, { jobId: "cb-60", deduplication: { id: "same" } });
      await addJobs(queue, 0, 20);
    },
    next: 8,
  },
  {
    name: "the next one was run before",
    before: async (queue) => {
      await addJobs(queue, 0, 20);
      await client.hset(queue.toKey("cb-9"), { ats: "3", atm: "2" });
    },
    next: 8,
  },
  {
    name: "a delayed job is not due",
    before: async (queue) => {
      await addJobs(queue, 0, 20);
      await queue.add("callback", { n: 50 }, { jobId: "cb-50", delay: 3_600_000 });
    },
    next: 8,
  },
  {
    name: "the worker has a name and a limit",
    before: (queue) => addJobs(queue, 0, 20),
    options: { name: "one", limiter: { max: 12, duration: 60_000 } },
    next: 4,
  },
];

test.each(CASES)(
  "jobs that end together leave what they leave one by one: $name",
  async ({ before, meanwhile, processor, options, next }) => {
    const states: Record<string, unknown>[] = [];
    for (const isBatched of [false, true]) {
      await client.flushall();
      const queue = openQueue();
      await until(async () => (await client.exists(queue.toKey("meta"))) === 1);
      await before?.(queue);
      await using worker = new HeldWorker(isBatched, processor, options);
      await worker.untilHeld(8);
      await meanwhile?.(queue);
      worker.letGo();
      await until(async () => (await queue.getActiveCount()) === next);
      await worker.untilHeld(next);
      expect(worker.errors).toEqual([]);
      states.push(await state());
      await queue.close();
    }
    expect(states[1]).toEqual(states[0]);
    expect(Object.keys(states[0] ?? {})).toContain(`${QUEUE_PREFIX}:callbacks:events`);
  },
);

test("jobs that end in one turn end in one command, and each next one is worked on", async () => {
  const queue = openQueue();
  await addJobs(queue, 0, 64);
  await client.config("RESETSTAT");
  await using worker = new HeldWorker(true, undefined, { concurrency: 32 });
  await worker.untilHeld(32);
  const before = await callsOf("eval(?:sha)?");
  worker.letGo();
  await worker.untilHeld(32);
  expect((await callsOf("eval(?:sha)?")) - before).toBe(1);
  // What ended long ago is looked for once, not for each.
  expect(await callsOf("zrevrange")).toBe(1);
  worker.letGo();
  await until(async () => (await queue.getCompletedCount()) === 64);
  expect(new Set(worker.begun).size).toBe(64);
  await queue.close();
});

async function callsOf(command: string): Promise<number> {
  const info = await client.info("commandstats");
  return [...info.matchAll(new RegExp(`cmdstat_${command}:calls=(\\d+)`, "gu"))].reduce(
    (sum, [, calls]) => sum + Number(calls),
    0,
  );
}

test("a stage ends its jobs together", async () => {
  const queue = openQueue();
  await addJobs(queue, 0, 64);
  const connection = connect();
  const released = createLatch();
  let begun = 0;
  await client.config("RESETSTAT");
  await using stage = startBullmqStage({
    shard: { queue: QUEUES.callbacks, index: 0, name: QUEUES.callbacks },
    connection,
    concurrency: 64,
    schema: z.object({ n: z.number() }),
    retryPriority: null,
    cancelAfterMs: 1000,
    onError: () => {},
    onJobUndecided: () => {},
    observer: { started: () => void begun++, ended() {}, stalled() {} },
    telemetry: null,
    handler: async () => {
      await released.wait();
      return { kind: "done" };
    },
  });
  await until(() => begun === 64);
  expect(stage.activity()).toEqual({ begun: 64, inHand: 64 });
  const before = await callsOf("eval(?:sha)?");
  released.open();
  await until(async () => (await queue.getCompletedCount()) === 64);
  // Two commands that end 32 each, and a few in which an idle worker looks for more.
  expect((await callsOf("eval(?:sha)?")) - before).toBeLessThan(16);
  connection.disconnect();
  await queue.close();
});

test.each([0, 40])(
  "one that lost its lock, and one that failed, take nobody with them (%i wait)",
  async (waiting) => {
    const queue = openQueue();
    await addJobs(queue, 0, 8 + waiting);
    await using worker = new HeldWorker(true, ({ id }) => {
      if (id === "cb-5") throw new Error("cannot be done");
    });
    await worker.untilHeld(8);
    await client.del(queue.toKey("cb-2:lock"));
    await client.set(queue.toKey("cb-3:lock"), "somebody else's");
    await client.del(queue.toKey("cb-4"));
    worker.letGo();
    await until(async () => (await queue.getCompletedCount()) === 4);
    const ids = (await queue.getCompleted()).map(({ id }) => id ?? "").toSorted();
    expect(ids).toEqual(["cb-0", "cb-1", "cb-6", "cb-7"]);
    await until(async () => (await queue.getDelayedCount()) === 1);
    expect((await queue.getDelayed()).map(({ id }) => id)).toEqual(["cb-5"]);
    // BullMQ then tries to send each back, which fails as well.
    await until(() => worker.errors.length === 6);
    const ends = worker.errors.filter((message) => message.includes("moveToFinished"));
    expect(ends.toSorted()).toEqual([
      "Lock mismatch for job cb-3. Cmd moveToFinished from active",
      "Missing key for job cb-4. moveToFinished",
      "Missing lock for job cb-2. moveToFinished",
    ]);
    await queue.close();
  },
);

test("an error in the middle of one is its own", async () => {
  const queue = openQueue();
  await addJobs(queue, 0, 8);
  await using worker = new HeldWorker(true);
  await worker.untilHeld(8);
  await client.rename(queue.toKey("cb-3:lock"), "kept");
  await client.sadd(queue.toKey("cb-3:lock"), "no string");
  worker.letGo();
  await until(async () => (await queue.getCompletedCount()) === 7);
  await until(() => worker.errors.length > 0);
  expect(worker.errors.join()).toMatch(/WRONGTYPE/u);
  await queue.close();
});
