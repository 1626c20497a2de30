import type { KeepJobs } from "bullmq";
import { QUEUES } from "../contract/jobs.ts";
import type { QueueName } from "../contract/jobs.ts";

/**
 * How long the jobs of each queue stay after their end, for Bull Board to show; duplicates that arrive later are settled
 * by the catalogue. For the options of a worker and not of each job: written into every job they took 96 bytes of Redis
 * for each callback that waits (measured: npm run bench -- growth).
 */
export const KEPT_JOBS: Record<QueueName, { removeOnComplete: KeepJobs; removeOnFail: KeepJobs }> =
  {
    [QUEUES.callbacks]: {
      removeOnComplete: { age: 3600, count: 1000 },
      removeOnFail: { age: 14 * 86_400 },
    },
    [QUEUES.media]: {
      removeOnComplete: { age: 3600, count: 1000 },
      // No longer than the finished ones: a kept job swallows a new one of its id, and after a restore of Postgres the
      // sweep must be able to queue it again.
      removeOnFail: { age: 3600, count: 1000 },
    },
  };
