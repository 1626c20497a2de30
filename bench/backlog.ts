import { randomUUID } from "node:crypto";
import { createProducer } from "@reelgate/shared/adapters/bullmq-producer";
import { JOB_NAMES, QUEUES } from "@reelgate/shared/contract/jobs";
import type { CallbackJob } from "@reelgate/shared/contract/jobs";
import { createProgress } from "@reelgate/shared/progress";
import { createRedis } from "@reelgate/shared/redis";
import type { RedisClient } from "@reelgate/shared/redis";
import { until } from "@reelgate/testkit/latch";
import type { CallbackBodies } from "./callback-bodies.ts";

const BATCH = 250;
const BATCHES_UNDER_WAY = 4;

export interface BenchRedisClient extends Disposable {
  readonly client: RedisClient;
}

/** A client that waits for Redis however long it takes. */
export function benchRedisClient(url: string): BenchRedisClient {
  const client = createRedis({ url, role: "worker", name: "reelgate-bench", onError: () => {} });
  return { client, [Symbol.dispose]: () => client.disconnect() };
}

/**
 * Puts callbacks into the queue as the ingress does, with the same producer, ids and data, past its HTTP. Not fsynced
 * one by one: what is filled is there to be measured upon.
 */
export async function fillBacklog(
  redis: RedisClient,
  bodies: CallbackBodies,
  first: number,
  count: number,
): Promise<void> {
  const queue = createProducer<CallbackJob>({
    queue: QUEUES.callbacks,
    connection: redis,
    onError: () => {},
  });
  const progress = createProgress(process.stdout);
  progress.start("waiting callbacks", count);
  await redis.config("SET", "appendfsync", "no");
  let begun = 0;
  let done = 0;
  const fill = async (): Promise<void> => {
    while (begun < count) {
      const from = first + begun;
      const size = Math.min(BATCH, count - begun);
      begun += size;
      const numbers = Array.from({ length: size }, (_, index) => from + index);
      await queue.addBulk(
        numbers.map((n) => ({
          name: JOB_NAMES.callbacks,
          data: {
            body: bodies.text(n),
            receivedAtMs: Date.now(),
            requestId: randomUUID(),
            remoteAddress: "127.0.0.1",
            keyIndex: 0,
          },
          opts: { jobId: bodies.id(n) },
        })),
      );
      done += size;
      progress.update(done);
    }
  };
  await Promise.all(Array.from({ length: BATCHES_UNDER_WAY }, fill));
  progress.stop();
  await redis.config("SET", "appendfsync", "always");
  // A rewrite of the append-only file that the filling began is not part of what follows.
  await until(async () => (await infoNumber(redis, "aof_rewrite_in_progress")) === 0, {
    what: "the end of the rewrite of the append-only file",
    timeoutMs: 600_000,
    intervalMs: 200,
  });
}

/** One number out of INFO. */
export async function infoNumber(redis: RedisClient, name: string): Promise<number> {
  const info = await redis.info();
  const found = new RegExp(`^${name}:([\\d.]+)\\r?$`, "mu").exec(info)?.[1];
  if (found === undefined) throw new Error(`INFO has no ${name}`);
  return Number(found);
}
