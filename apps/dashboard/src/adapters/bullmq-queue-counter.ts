import type { Queue } from "bullmq";
import type { QueueCounter } from "../ports.ts";

/** BullMQ calls the list of waiting jobs `wait` inside and `waiting` outside; a paused queue's jobs are in it too. */
export function bullmqQueueCounter(
  queues: readonly Pick<Queue, "name" | "getJobCounts">[],
): QueueCounter {
  return {
    async count() {
      const counted = await Promise.all(
        queues.map(async (queue) => {
          const counts = await queue.getJobCounts(
            "waiting",
            "active",
            "delayed",
            "failed",
            "completed",
          );
          const numbers = {
            waiting: counts["waiting"] ?? 0,
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
