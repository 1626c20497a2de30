import type { Queue } from "bullmq";
import { besideShard } from "@reelgate/shared/contract/queue-shards";
import type { QueueShard } from "@reelgate/shared/contract/queue-shards";
import type { RedisClient } from "@reelgate/shared/redis";

const PROBE_KEY = "worker-probe";
const PROBE_LIFE_MS = 60_000;

/**
 * Counts the jobs of a shard that a worker could take up now. It writes first: a Redis that is full, or became a replica,
 * still counts, and gives nobody a job.
 *
 * @param client of role `producer`, so that every reply comes, or fails, within two seconds.
 */
export function readyJobs(
  client: RedisClient,
  shard: QueueShard,
  queue: Pick<Queue, "isPaused" | "getJobCountByTypes">,
): () => Promise<number> {
  return async () => {
    await client.set(besideShard(shard, PROBE_KEY), "1", "PX", PROBE_LIFE_MS);
    if (await queue.isPaused()) return 0;
    return await queue.getJobCountByTypes("waiting", "prioritized");
  };
}
