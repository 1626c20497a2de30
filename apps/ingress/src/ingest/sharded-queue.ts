import { shardIndexOf } from "@reelgate/shared/contract/queue-shards";
import type { CallbackQueue } from "./ports.ts";

/** One queue of the queues of all shards, in their order: each callback goes to the one that its id names. */
export function shardedQueue(shards: readonly CallbackQueue[]): CallbackQueue {
  const [only] = shards;
  if (only !== undefined && shards.length === 1) return only;
  return {
    enqueue(jobId, job) {
      const shard = shards[shardIndexOf(jobId, shards.length)];
      if (shard === undefined) throw new Error("a job without a shard");
      return shard.enqueue(jobId, job);
    },
  };
}
