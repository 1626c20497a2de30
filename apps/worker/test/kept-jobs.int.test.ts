import { createProducer } from "@reelgate/shared/adapters/bullmq-producer";
import {
  JOB_NAMES,
  QUEUES,
  callbackJobId,
  callbackJobSchema,
} from "@reelgate/shared/contract/jobs";
import type { CallbackJob } from "@reelgate/shared/contract/jobs";
import { createRedis } from "@reelgate/shared/redis";
import type { RedisClient } from "@reelgate/shared/redis";
import { until } from "@reelgate/testkit/latch";
import { callbackJobOf, recordingBody } from "@reelgate/testkit/recording-body";
import { startTestRedis } from "@reelgate/testkit/redis-server";
import { expect, it } from "vitest";
import { startBullmqStage } from "../src/adapters/bullmq-stage.ts";

/** What jemalloc gives is 160 bytes; Redis writes a header and a NUL beside the text. */
const MAX_OPTIONS_BYTES = 156;
const KEPT = 1000;

it("a callback that waits carries few options, and of those that ended the last thousand stay", async () => {
  await using opened = new AsyncDisposableStack();
  const redis = opened.use(await startTestRedis());
  const connect = (name: string): RedisClient =>
    opened.adopt(
      createRedis({ url: redis.url, role: "worker", name, onError: () => {} }),
      (client) => client.disconnect(),
    );
  const client = connect("queue");
  const queue = createProducer<CallbackJob>({
    queue: QUEUES.callbacks,
    connection: client,
    onError: () => {},
  });
  const jobs = Array.from({ length: KEPT + 30 }, (_, n) => {
    const body = recordingBody({ file_id: String(n) });
    return {
      name: JOB_NAMES.callbacks,
      data: callbackJobOf(body),
      opts: { jobId: callbackJobId(Buffer.from(body)) },
    };
  });
  const [first] = await queue.addBulk(jobs);
  const options = await client.hget(queue.toKey(first?.id ?? ""), "opts");
  expect(Buffer.byteLength(options ?? "")).toBeGreaterThan(0);
  expect(Buffer.byteLength(options ?? "")).toBeLessThanOrEqual(MAX_OPTIONS_BYTES);

  let ended = 0;
  opened.use(
    startBullmqStage({
      shard: { queue: QUEUES.callbacks, index: 0, name: QUEUES.callbacks },
      connection: connect("worker"),
      concurrency: 32,
      schema: callbackJobSchema,
      retryPriority: null,
      cancelAfterMs: 1000,
      onError: () => {},
      onJobUndecided: () => {},
      observer: {
        started() {},
        ended() {
          ended += 1;
        },
        stalled() {},
      },
      telemetry: null,
      handler: () => Promise.resolve({ kind: "done" }),
    }),
  );
  await until(async () => ended === jobs.length && (await queue.getActiveCount()) === 0, {
    what: "the end of every job",
    timeoutMs: 30_000,
  });
  expect(await queue.getCompletedCount()).toBe(KEPT);
});
