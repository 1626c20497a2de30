import type { CallbackQueue, Spool } from "./ports.ts";

/**
 * The queue, and while it takes nothing, the spool: a callback is refused only when neither can keep it.
 *
 * A queue that did not reply in time may have stored the callback all the same. It is spooled too, and comes to the
 * queue a second time under the same id.
 */
export function spoolingQueue(
  queue: CallbackQueue,
  spool: Spool,
  onSpooled: () => void,
): CallbackQueue {
  return {
    async enqueue(jobId, job) {
      const queued = await queue.enqueue(jobId, job);
      if (queued.stored) return queued;
      const spooled = await spool.append(job);
      if (!spooled.stored) {
        return { stored: false, reason: `${queued.reason}; ${spooled.reason}` };
      }
      onSpooled();
      return spooled;
    },
  };
}
