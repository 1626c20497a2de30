import type { Queue } from "bullmq";
import { JOB_NAMES } from "@reelgate/shared/contract/jobs";
import type { CallbackJob } from "@reelgate/shared/contract/jobs";
import { errorMessage } from "@reelgate/shared/errors";
import { withinMs } from "@reelgate/shared/lifecycle";
import type { CallbackQueue, EnqueueResult } from "../ingest/ports.ts";

/**
 * Longer than the client's own timeout on a command (2000 ms), whose error says more, and short enough that every
 * answer leaves within 2.5 s. It also covers what the client's timeout does not: whatever BullMQ awaits before it.
 */
const ENQUEUE_DEADLINE_MS = 2200;

export interface BullmqCallbackQueueOptions {
  queue: Queue<CallbackJob, void, string>;
  /** Why nothing may be acknowledged at this moment, or null. */
  refusal: () => string | null;
  deadlineMs?: number;
}

/**
 * Callbacks as jobs of BullMQ. The job id is derived from the body, so that a repeated delivery and a command that
 * ioredis sends again after a reconnect store the same job once.
 *
 * An error or a timeout does not mean that nothing was stored. It only means that nobody may say it was: the provider
 * sends the callback again, and the id makes it the same job.
 */
export function bullmqCallbackQueue(options: BullmqCallbackQueueOptions): CallbackQueue {
  const { queue, refusal, deadlineMs = ENQUEUE_DEADLINE_MS } = options;
  return {
    async enqueue(jobId, job): Promise<EnqueueResult> {
      const before = refusal();
      if (before !== null) return { stored: false, reason: before };
      try {
        if (!(await withinMs(queue.add(JOB_NAMES.callbacks, job, { jobId }), deadlineMs))) {
          return { stored: false, reason: `Redis did not reply within ${deadlineMs} ms` };
        }
      } catch (error) {
        return { stored: false, reason: errorMessage(error) };
      }
      // The reply may be that of another Redis than the one that was checked: commands in flight are sent again on the
      // next connection.
      const after = refusal();
      return after === null ? { stored: true } : { stored: false, reason: after };
    },
  };
}
