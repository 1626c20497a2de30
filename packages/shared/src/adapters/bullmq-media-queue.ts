import type { JobsOptions, Queue } from "bullmq";
import { JOB_NAMES, MEDIA_PRIORITY, mediaJobId } from "../contract/jobs.ts";
import type { BulkMediaQueue, MediaJob } from "../contract/jobs.ts";
import type { RedisClient } from "../redis.ts";
import { bullmqBatchAdd } from "./batch-add.ts";

/** Redis does nothing else while it adds a batch. */
const MAX_BATCH = 100;

/** One shard of the queue; see `shardedMediaQueue`. Each job is added by BullMQ itself, in the trace of its caller. */
export function bullmqMediaQueue(queue: Queue<MediaJob, void, string>): BulkMediaQueue {
  const optionsOf = (job: MediaJob): JobsOptions => ({
    jobId: mediaJobId(job),
    priority: MEDIA_PRIORITY.firstLook,
  });
  return {
    async enqueue(job) {
      await queue.add(JOB_NAMES.media, job, optionsOf(job));
    },
    async enqueueAll(jobs) {
      await queue.addBulk(
        jobs.map((data) => ({ name: JOB_NAMES.media, data, opts: optionsOf(data) })),
      );
    },
  };
}

/**
 * The same for a process that adds many: a bulk is one command. No job of it belongs to a trace.
 *
 * @param client the connection of the queue.
 */
export function bulkMediaQueue(
  queue: Queue<MediaJob, void, string>,
  client: RedisClient,
): BulkMediaQueue {
  const add = bullmqBatchAdd(queue, client, JOB_NAMES.media, MEDIA_PRIORITY.firstLook);
  const enqueueAll = async (jobs: readonly MediaJob[]): Promise<void> => {
    for (let from = 0; from < jobs.length; from += MAX_BATCH) {
      const batch = jobs.slice(from, from + MAX_BATCH);
      await add(batch.map((data) => ({ id: mediaJobId(data), data, metadata: null })));
    }
  };
  return { enqueue: (job) => enqueueAll([job]), enqueueAll };
}
