import { QUEUES, QUEUE_PREFIX } from "@reelgate/shared/contract/jobs";
import type { QueueName } from "@reelgate/shared/contract/jobs";
import { shardIndexOf, shardsOf } from "@reelgate/shared/contract/queue-shards";
import { mastersOf } from "@reelgate/shared/redis";
import type { Redis, RedisClient } from "@reelgate/shared/redis";
import type { JobGlance, Jobs } from "../ports.ts";
import type { ProductQueues } from "./bullmq-queues.ts";
import { reached } from "./redis-connection.ts";

/** Keys that one SCAN looks at: half a millisecond of Redis' time. */
const SCAN_COUNT = 1000;
const PAGE_SIZE = 1000;

const CALLBACK_KEY = /:(cb-[0-9a-f]{64})$/u;
const MEDIA_KEY = /:(rec-\d{1,19}-\d{1,10})$/u;

const keyOf = (queueName: string, name: string): string => `${QUEUE_PREFIX}:${queueName}:${name}`;

/**
 * Jobs as BullMQ keeps them: a hash for each at `prefix:queue:<id>`, and sorted sets of the ids that have ended, by when.
 *
 * The hashes are found with SCAN, on each master of a cluster, and not through BullMQ's lists: it gives every key that is
 * there all the time, whatever moves from list to list meanwhile, and a hash that fell out of every list too.
 */
export function redisJobs(redis: RedisClient, queues: ProductQueues): Jobs {
  const shardCount = queues.callbacks.length;
  const namesOf = (queue: QueueName): string[] =>
    shardsOf(queue, shardCount).map(({ name }) => name);
  async function* idsLike(queue: QueueName, start: string, key: RegExp): AsyncIterable<string[]> {
    // One pass over the keys for all shards. No other key of ours begins so and ends in such an id.
    const pattern = keyOf(shardCount === 1 ? queue : `${queue}-*`, `${start}*`);
    for (const master of mastersOf(redis)) {
      for await (const keys of keysOf(master, pattern)) {
        const ids = keys.flatMap((one) => key.exec(one)?.[1] ?? []);
        if (ids.length > 0) yield ids;
      }
    }
  }
  // A failed job of stage 1 is an acknowledged callback without an outcome: nothing here removes one.
  const endedSets = [
    ...queues.callbacks.map((queue) => ({ queue, state: "completed" }) as const),
    ...queues.media.flatMap(
      (queue) =>
        [
          { queue, state: "completed" },
          { queue, state: "failed" },
        ] as const,
    ),
  ];
  return {
    callbackIds: () => idsLike(QUEUES.callbacks, "cb-", CALLBACK_KEY),
    mediaIds: () => idsLike(QUEUES.media, "rec-", MEDIA_KEY),
    async *failedCallbackIds() {
      for (const name of namesOf(QUEUES.callbacks)) {
        const key = keyOf(name, "failed");
        for (let start = 0; ; start += PAGE_SIZE) {
          const ids = await reached(
            redis.zrange(key, String(start), String(start + PAGE_SIZE - 1)),
          );
          if (ids.length > 0) yield ids;
          if (ids.length < PAGE_SIZE) break;
        }
      }
    },
    glance: (queue, ids) => reached(glanceAtShards(redis, namesOf(queue), ids)),
    async countEnded(beforeMs) {
      const counts = await Promise.all(
        endedSets.map(({ queue, state }) =>
          reached(redis.zcount(keyOf(queue.name, state), "-inf", `(${beforeMs}`)),
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

async function* keysOf(master: Redis, pattern: string): AsyncIterable<string[]> {
  let cursor = "0";
  do {
    const [next, keys] = await reached(master.scan(cursor, "MATCH", pattern, "COUNT", SCAN_COUNT));
    cursor = next;
    yield keys;
  } while (cursor !== "0");
}

/** A pipeline goes to one master: one for each shard. */
async function glanceAtShards(
  redis: RedisClient,
  names: readonly string[],
  ids: readonly string[],
): Promise<JobGlance[]> {
  const byShard = names.map((): string[] => []);
  for (const id of ids) byShard[shardIndexOf(id, names.length)]?.push(id);
  const glances = await Promise.all(
    names.map((name, shard) => glance(redis, name, byShard[shard] ?? [])),
  );
  const found = new Map(glances.flat().map((one) => [one.id, one]));
  return ids.map((id) => found.get(id) ?? { id, place: "gone", addedAtMs: null });
}

async function glance(
  redis: RedisClient,
  queueName: string,
  ids: readonly string[],
): Promise<JobGlance[]> {
  if (ids.length === 0) return [];
  const commands = redis.pipeline();
  for (const id of ids) {
    commands.hmget(keyOf(queueName, id), "timestamp", "finishedOn");
    commands.zscore(keyOf(queueName, "failed"), id);
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
