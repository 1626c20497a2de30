import type { Queue } from "bullmq";
import type { QueueCounter, QueueCounts } from "../ports.ts";

type CountedQueue = Pick<Queue, "name" | "getJobCounts" | "getJobs">;

/** Waiting are the jobs of BullMQ's plain list and those with a priority, of a paused queue too. */
export function bullmqQueueCounter(queues: readonly CountedQueue[]): QueueCounter {
  return {
    count: () => ofEach(queues, countsOf),
    depths: () =>
      ofEach(queues, async (queue) => ({
        ...(await countsOf(queue)),
        oldestWaitingS: await oldestWaitingS(queue),
      })),
  };
}

async function ofEach<T>(
  queues: readonly CountedQueue[],
  ask: (queue: CountedQueue) => Promise<T>,
): Promise<Record<string, T>> {
  return Object.fromEntries(
    await Promise.all(queues.map(async (queue) => [queue.name, await ask(queue)] as const)),
  );
}

async function countsOf(queue: CountedQueue): Promise<QueueCounts> {
  const counts = await queue.getJobCounts(
    "waiting",
    "prioritized",
    "active",
    "delayed",
    "failed",
    "completed",
  );
  return {
    waiting: (counts["waiting"] ?? 0) + (counts["prioritized"] ?? 0),
    active: counts["active"] ?? 0,
    delayed: counts["delayed"] ?? 0,
    failed: counts["failed"] ?? 0,
    completed: counts["completed"] ?? 0,
  };
}

/**
 * How long the job that runs next has been waiting: the oldest of the plain list, and the oldest of those with the best
 * priority. Others of a set would have to be read one by one. BullMQ does not keep when a job's delay ended, so a job
 * that was tried before counts from then on.
 */
async function oldestWaitingS(queue: CountedQueue): Promise<number | null> {
  const next = await Promise.all([
    queue.getJobs(["waiting"], 0, 0, true),
    queue.getJobs(["prioritized"], 0, 0, true),
  ]);
  // A job that is taken between two commands leaves a hole.
  const sinceMs = (next.flat() as ((typeof next)[0][number] | undefined)[]).flatMap((job) =>
    job === undefined ? [] : [Math.max(job.timestamp, job.processedOn ?? 0)],
  );
  // The clocks are those of other machines.
  return sinceMs.length === 0 ? null : Math.max(0, Date.now() - Math.min(...sinceMs)) / 1000;
}
