import type { BulkMediaQueue, MediaJob } from "../contract/jobs.ts";
import { MicroBatcher } from "../micro-batcher.ts";

/** A batch of stage 1, whose jobs all come in one turn, may bring four times as many: Redis does nothing else meanwhile. */
const MAX_JOBS = 64;
const MAX_BATCHES_IN_FLIGHT = 4;

/**
 * One shard, whose concurrent calls share one bulk: what fails one shard is no failure of another's. An error is that of
 * all of them: media jobs are alike, and what a bulk did before it failed changes nothing for the next one, since their
 * ids are those of their recordings.
 */
export function batchedMediaQueue(queue: BulkMediaQueue): BulkMediaQueue {
  const batcher = new MicroBatcher<MediaJob, void>({
    run: async (jobs) => {
      await queue.enqueueAll(jobs);
      return jobs.map(() => undefined);
    },
    maxSize: MAX_JOBS,
    maxInFlight: MAX_BATCHES_IN_FLIGHT,
    isolates: () => false,
  });
  return {
    enqueue: (job) => batcher.submit(job),
    enqueueAll: (jobs) => queue.enqueueAll(jobs),
  };
}
