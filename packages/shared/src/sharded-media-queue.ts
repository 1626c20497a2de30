import { mediaJobId } from "./contract/jobs.ts";
import type { BulkMediaQueue, MediaJob } from "./contract/jobs.ts";
import { shardIndexOf } from "./contract/queue-shards.ts";

/** One queue of the queues of all shards, in their order: each job goes to the one that its id names. */
export function shardedMediaQueue(shards: readonly BulkMediaQueue[]): BulkMediaQueue {
  const shardOf = (job: MediaJob): number => shardIndexOf(mediaJobId(job), shards.length);
  return {
    enqueue: async (job) => await shards[shardOf(job)]?.enqueue(job),
    async enqueueAll(jobs) {
      const byShard = shards.map((): MediaJob[] => []);
      for (const job of jobs) byShard[shardOf(job)]?.push(job);
      await Promise.all(
        byShard.map((some, index) => (some.length > 0 ? shards[index]?.enqueueAll(some) : null)),
      );
    },
  };
}
