import { Queue } from "bullmq";
import { z } from "zod";
import { QUEUES, QUEUE_PREFIX } from "@reelgate/shared/contract/jobs";
import { createRedis } from "@reelgate/shared/redis";
import type { RedisClient, RedisRole } from "@reelgate/shared/redis";
import { createLatch, until } from "@reelgate/testkit/latch";
import { startTestRedis } from "@reelgate/testkit/redis-server";
import { expect, it } from "vitest";
import { startBullmqStage } from "../src/adapters/bullmq-stage.ts";

const LOCK_MS = 1000;

it("a job that takes many times its lock's duration is run once, with another worker waiting for it", async () => {
  await using opened = new AsyncDisposableStack();
  const redis = opened.use(await startTestRedis());
  const connect = (role: RedisRole, name: string): RedisClient =>
    opened.adopt(createRedis({ url: redis.url, role, name, onError: () => {} }), (client) =>
      client.disconnect(),
    );
  const watching = connect("producer", "watch");
  const queue = opened.adopt(
    new Queue(QUEUES.media, { prefix: QUEUE_PREFIX, connection: connect("producer", "queue") }),
    (open) => open.close(),
  );
  const started = createLatch("the job has started");
  const finish = createLatch("the job may end");
  const runs: number[] = [];
  for (const name of ["first", "second"]) {
    opened.use(
      startBullmqStage({
        shard: { queue: QUEUES.media, index: 0, name: QUEUES.media },
        connection: connect("worker", name),
        concurrency: 1,
        lockDurationMs: LOCK_MS,
        schema: z.object({ recordingId: z.string() }),
        retryPriority: null,
        cancelAfterMs: 1000,
        onError: () => {},
        onJobUndecided: () => {},
        observer: { started() {}, ended() {}, stalled() {} },
        telemetry: null,
        handler: async (_job, { crashes }) => {
          runs.push(crashes);
          started.open();
          await finish.wait();
          return { kind: "done" };
        },
      }),
    );
  }
  const job = await queue.add("media", { recordingId: "1" }, { jobId: "rec-1-0" });
  await started.wait();
  // The lock's time to live falls until it is renewed: five renewals are two and a half lifetimes of it.
  let renewals = 0;
  let before = LOCK_MS;
  await until(
    async () => {
      const leftMs = await watching.pttl(`${QUEUE_PREFIX}:${QUEUES.media}:${job.id}:lock`);
      if (leftMs > before) renewals += 1;
      before = leftMs;
      return renewals === 5;
    },
    { what: "five renewals of the lock", timeoutMs: 20_000, intervalMs: 20 },
  );
  finish.open();
  await until(async () => (await job.getState()) === "completed", { what: "the end of the job" });
  expect(runs).toEqual([0]);
});
