import type { Queue } from "bullmq";
import type { QueueCounter, QueueCounts } from "../ports.ts";

/** Waiting are the jobs of BullMQ's plain list and those with a priority, of a paused queue too. */
export function bullmqQueueCounter(
  queues: readonly Pick<Queue, "name" | "getJobCounts">[],
): QueueCounter {
  return {
    count: async () =>
      Object.fromEntries(
        await Promise.all(
          queues.map(async (queue) => [queue.name, await countsOf(queue)] as const),
        ),
      ),
  };
}

async function countsOf(queue: Pick<Queue, "getJobCounts">): Promise<QueueCounts> {
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
