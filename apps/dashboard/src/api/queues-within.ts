import { withinMs } from "@reelgate/shared/lifecycle";

/** What is in the catalogue is worth knowing without Redis, so Redis is not waited for longer than this. */
const QUEUES_DEADLINE_MS = 2500;

/** What was counted of each queue; empty, and reported, when Redis does not answer in time. */
export async function queuesWithin<T>(
  counting: Promise<Record<string, T>>,
  onUnavailable: (error: unknown) => void,
): Promise<Record<string, T>> {
  let queues: Record<string, T> = {};
  let isOver = false;
  const counted = counting.then(
    (counts) => {
      if (!isOver) queues = counts;
    },
    (error: unknown) => {
      if (!isOver) onUnavailable(error);
    },
  );
  if (!(await withinMs(counted, QUEUES_DEADLINE_MS))) {
    isOver = true;
    onUnavailable(new Error(`no answer within ${QUEUES_DEADLINE_MS} ms`));
  }
  return queues;
}
