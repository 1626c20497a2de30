import type { Queue } from "bullmq";
import type { QueueCounter, QueueCounts } from "../ports.ts";

/** A queue with all its shards, which are shown as one. */
export interface ShardedQueue<Q = Queue> {
  name: string;
  shards: readonly Q[];
}

const NO_JOBS: QueueCounts = { waiting: 0, active: 0, delayed: 0, failed: 0, completed: 0 };

/** Waiting are the jobs of BullMQ's plain list and those with a priority, of a paused queue too. */
export function bullmqQueueCounter(
  queues: readonly ShardedQueue<Pick<Queue, "getJobCounts">>[],
): QueueCounter {
  return {
    count: async () =>
      Object.fromEntries(
        await Promise.all(
          queues.map(async ({ name, shards }) => {
            const counts = await Promise.all(shards.map(countsOf));
            return [name, counts.reduce(added, NO_JOBS)] as const;
          }),
        ),
      ),
  };
}

function added(sum: QueueCounts, one: QueueCounts): QueueCounts {
  return {
    waiting: sum.waiting + one.waiting,
    active: sum.active + one.active,
    delayed: sum.delayed + one.delayed,
    failed: sum.failed + one.failed,
    completed: sum.completed + one.completed,
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
