import type { Job, JobType, Queue } from "bullmq";
import type { QueueCounter, QueueReader } from "../ports.ts";
import type { ShardedQueue } from "./bullmq-queue-counter.ts";

/** Reads the head of each queue besides its counts: at most three jobs of each shard. */
export function bullmqQueueReader(
  queues: readonly ShardedQueue<Pick<Queue, "getJobs">>[],
  counter: QueueCounter,
): QueueReader {
  return {
    async read() {
      const [counts, ...heads] = await Promise.all([
        counter.count(),
        ...queues.map(async ({ shards }) => earliestOf(await Promise.all(shards.map(readHeads)))),
      ]);
      return Object.fromEntries(
        queues.map(({ name }, index) => [
          name,
          {
            jobs: { ...NO_JOBS, ...counts[name] },
            oldestWaitingSinceMs: heads[index]?.waitingSinceMs ?? null,
            oldestActiveSinceMs: heads[index]?.activeSinceMs ?? null,
          },
        ]),
      );
    },
  };
}

const NO_JOBS = { waiting: 0, active: 0, delayed: 0, failed: 0, completed: 0 };

interface Heads {
  waitingSinceMs: number | null;
  activeSinceMs: number | null;
}

function earliestOf(heads: readonly Heads[]): Heads {
  return {
    waitingSinceMs: earliest(heads.flatMap(({ waitingSinceMs }) => waitingSinceMs ?? [])),
    activeSinceMs: earliest(heads.flatMap(({ activeSinceMs }) => activeSinceMs ?? [])),
  };
}

async function readHeads(queue: Pick<Queue, "getJobs">): Promise<Heads> {
  const oldest = async (state: JobType): Promise<Job[]> =>
    // A job that ends between the two commands of getJobs is undefined, whatever the type says.
    (await queue.getJobs([state], 0, 0, true)).filter((job: Job | undefined) => job !== undefined);
  const [waiting, prioritized, active] = await Promise.all([
    oldest("waiting"),
    oldest("prioritized"),
    oldest("active"),
  ]);
  return {
    waitingSinceMs: earliest([...waiting, ...prioritized].map(dueSinceMs)),
    activeSinceMs: earliest(active.map((job) => job.processedOn ?? job.timestamp)),
  };
}

/**
 * A job that is tried again was due when its delay had passed; BullMQ keeps when the run before it began. Of the jobs
 * with a priority only the head is looked at: the others would have to be read one by one.
 */
function dueSinceMs(job: Job): number {
  return Math.max(job.timestamp, (job.processedOn ?? 0) + job.delay);
}

function earliest(timesMs: readonly number[]): number | null {
  return timesMs.length === 0 ? null : Math.min(...timesMs);
}
