import type { CallbackQueue } from "./ports.ts";

/**
 * The queue, as long as there is room in it: beyond its bound a callback is refused as by a queue that is away, so that the
 * spool takes it while that has room.
 *
 * @param refusal why the queue takes no more at this moment, or null.
 */
export function boundedQueue(queue: CallbackQueue, refusal: () => string | null): CallbackQueue {
  return {
    enqueue(jobId, job) {
      const reason = refusal();
      return reason === null
        ? queue.enqueue(jobId, job)
        : Promise.resolve({ stored: false, reason });
    },
  };
}
