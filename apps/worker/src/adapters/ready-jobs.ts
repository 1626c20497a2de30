import type { Queue } from "bullmq";
import { QUEUE_PREFIX } from "@reelgate/shared/contract/jobs";
import type { Redis } from "@reelgate/shared/redis";

const PROBE_KEY = `${QUEUE_PREFIX}:worker-probe`;
const PROBE_LIFE_MS = 60_000;

/**
 * Counts the jobs of a queue that a worker could take up now. It writes first: a Redis that is full, or became a replica,
 * still counts, and gives nobody a job.
 *
 * @param client of role `producer`, so that every reply comes, or fails, within two seconds.
 */
export function readyJobs(
  client: Redis,
  queue: Pick<Queue, "isPaused" | "getJobCountByTypes">,
): () => Promise<number> {
  return async () => {
    await client.set(PROBE_KEY, "1", "PX", PROBE_LIFE_MS);
    if (await queue.isPaused()) return 0;
    return await queue.getJobCountByTypes("waiting", "prioritized");
  };
}
