import { Worker } from "bullmq";
import { createProducer } from "@reelgate/shared/adapters/bullmq-producer";
import { JOB_NAMES, QUEUES, QUEUE_PREFIX, callbackJobSchema } from "@reelgate/shared/contract/jobs";
import type { CallbackJob } from "@reelgate/shared/contract/jobs";
import { createRedis } from "@reelgate/shared/redis";
import type { RedisClient } from "@reelgate/shared/redis";
import { createLatch } from "@reelgate/testkit/latch";
import { callbackJobOf, recordingBody } from "@reelgate/testkit/recording-body";
import { startTestRedis } from "@reelgate/testkit/redis-server";
import { expect, it } from "vitest";
import { startBullmqStage } from "../src/adapters/bullmq-stage.ts";

it("G2: a callback whose workers died ten times is worked on again", async () => {
  await using opened = new AsyncDisposableStack();
  const redis = opened.use(await startTestRedis());
  const connect = (name: string): RedisClient =>
    opened.adopt(
      createRedis({ url: redis.url, role: "worker", name, onError: () => {} }),
      (client) => client.disconnect(),
    );
  const client = connect("queue");
  const onError = (): void => {};
  const queue = createProducer<CallbackJob>({
    queue: QUEUES.callbacks,
    connection: client,
    onError,
  });
  const body = recordingBody({ file_id: "stalled" });
  await queue.add(JOB_NAMES.callbacks, callbackJobOf(body), { jobId: "cb-stalled" });
  // Taken by a worker that is never heard of again, as it was by nine before.
  const dead = new Worker(QUEUES.callbacks, null, {
    prefix: QUEUE_PREFIX,
    connection: connect("dead"),
    lockDuration: 100,
  });
  dead.on("error", onError);
  expect((await dead.getNextJob("dead"))?.id).toBe("cb-stalled");
  await dead.close();
  await client.hset(queue.toKey("cb-stalled"), "stc", "9");

  const worked = createLatch<string>("the job is worked on");
  opened.use(
    startBullmqStage({
      shard: { queue: QUEUES.callbacks, index: 0, name: QUEUES.callbacks },
      connection: connect("worker"),
      concurrency: 1,
      schema: callbackJobSchema,
      retryPriority: null,
      lockDurationMs: 400,
      cancelAfterMs: 1000,
      onError,
      onJobUndecided: (_id, error) => worked.open(error.message),
      observer: { started() {}, ended() {}, stalled() {} },
      telemetry: null,
      handler: (job) => {
        worked.open(job.body);
        return Promise.resolve({ kind: "done" });
      },
    }),
  );
  expect(await worked.wait(10_000)).toBe(body);
});
