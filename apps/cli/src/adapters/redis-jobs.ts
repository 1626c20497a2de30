import { QUEUES, QUEUE_PREFIX } from "@reelgate/shared/contract/jobs";
import type { QueueName } from "@reelgate/shared/contract/jobs";
import type { Redis } from "@reelgate/shared/redis";
import type { JobGlance, Jobs } from "../ports.ts";
import type { ProductQueues } from "./bullmq-queues.ts";
import { reached } from "./redis-connection.ts";

/** Keys that one SCAN looks at: half a millisecond of Redis' time. */
const SCAN_COUNT = 1000;
const PAGE_SIZE = 1000;

const CALLBACK_KEY = /:(cb-[0-9a-f]{64})$/u;
const MEDIA_KEY = /:(rec-\d{1,19}-\d{1,10})$/u;

const keyOf = (queue: QueueName, name: string): string => `${QUEUE_PREFIX}:${queue}:${name}`;

/**
 * Jobs as BullMQ keeps them: a hash for each at `prefix:queue:<id>`, and sorted sets of the ids that have ended, by when.
 *
 * The hashes are found with SCAN and not through BullMQ's lists: it gives every key that is there all the time, whatever
 * moves from list to list meanwhile, and a hash that fell out of every list too.
 */
export function redisJobs(redis: Redis, queues: ProductQueues): Jobs {
  async function* idsLike(pattern: string, key: RegExp): AsyncIterable<string[]> {
    let cursor = "0";
    do {
      const [next, keys] = await reached(redis.scan(cursor, "MATCH", pattern, "COUNT", SCAN_COUNT));
      cursor = next;
      const ids = keys.flatMap((one) => key.exec(one)?.[1] ?? []);
      if (ids.length > 0) yield ids;
    } while (cursor !== "0");
  }
  // A failed job of stage 1 is an acknowledged callback without an outcome: nothing here removes one.
  const endedSets = [
    { queue: queues.callbacks, name: QUEUES.callbacks, state: "completed" },
    { queue: queues.media, name: QUEUES.media, state: "completed" },
    { queue: queues.media, name: QUEUES.media, state: "failed" },
  ] as const;
  return {
    callbackIds: () => idsLike(keyOf(QUEUES.callbacks, "cb-*"), CALLBACK_KEY),
    mediaIds: () => idsLike(keyOf(QUEUES.media, "rec-*"), MEDIA_KEY),
    async *failedCallbackIds() {
      const key = keyOf(QUEUES.callbacks, "failed");
      for (let start = 0; ; start += PAGE_SIZE) {
        const ids = await reached(redis.zrange(key, String(start), String(start + PAGE_SIZE - 1)));
        if (ids.length > 0) yield ids;
        if (ids.length < PAGE_SIZE) return;
      }
    },
    glance: (queue, ids) => reached(glance(redis, queue, ids)),
    async countEnded(beforeMs) {
      const counts = await Promise.all(
        endedSets.map(({ name, state }) =>
          reached(redis.zcount(keyOf(name, state), "-inf", `(${beforeMs}`)),
        ),
      );
      return counts.reduce((sum, count) => sum + count, 0);
    },
    async removeEnded(beforeMs, limit) {
      let removed = 0;
      for (const { queue, state } of endedSets) {
        const graceMs = Math.max(Date.now() - beforeMs, 0);
        const ids = await reached(queue.clean(graceMs, limit - removed, state));
        removed += ids.length;
        if (removed >= limit) break;
      }
      return removed;
    },
  };
}

async function glance(
  redis: Redis,
  queue: QueueName,
  ids: readonly string[],
): Promise<JobGlance[]> {
  if (ids.length === 0) return [];
  const commands = redis.pipeline();
  for (const id of ids) {
    commands.hmget(keyOf(queue, id), "timestamp", "finishedOn");
    commands.zscore(keyOf(queue, "failed"), id);
  }
  const replies = (await commands.exec()) ?? [];
  return ids.map((id, index) => {
    const [hashError, hash] = replies[index * 2] ?? [new Error("Redis gave no reply"), null];
    const [setError, failed] = replies[index * 2 + 1] ?? [new Error("Redis gave no reply"), null];
    const error = hashError ?? setError;
    if (error !== null) throw error;
    const [timestamp, finishedOn] = hash as [string | null, string | null];
    const addedAtMs = timestamp === null ? null : Number(timestamp);
    if (timestamp === null && finishedOn === null) return { id, place: "gone", addedAtMs };
    if (finishedOn === null) return { id, place: "in_flight", addedAtMs };
    return { id, place: failed === null ? "completed" : "failed", addedAtMs };
  });
}
