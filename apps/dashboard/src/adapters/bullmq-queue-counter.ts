import type { Queue } from "bullmq";
import type { QueueCounter } from "../ports.ts";

/** Waiting are the jobs of BullMQ's plain list and those with a priority, of a paused queue too. */
export function bullmqQueueCounter(
  queues: readonly Pick<Queue, "name" | "getJobCounts">[],
): QueueCounter {
  return {
    async count() {
      const counted = await Promise.all(
        queues.map(async (queue) => {
          const counts = await queue.getJobCounts(
            "waiting",
            "prioritized",
            "active",
            "delayed",
            "failed",
            "completed",
          );
          const numbers = {
            waiting: (counts["waiting"] ?? 0) + (counts["prioritized"] ?? 0),
            active: counts["active"] ?? 0,
            delayed: counts["delayed"] ?? 0,
            failed: counts["failed"] ?? 0,
            completed: counts["completed"] ?? 0,
          };
          return [queue.name, numbers] as const;
        }),
      );
      return Object.fromEntries(counted);
    },
  };
}
