import type { JobsOptions, Queue } from "bullmq";
import { JOB_NAMES, MEDIA_PRIORITY, mediaJobId } from "../contract/jobs.ts";
import type { BulkMediaQueue, MediaJob } from "../contract/jobs.ts";

/** One shard of the queue; see `shardedMediaQueue`. */
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
