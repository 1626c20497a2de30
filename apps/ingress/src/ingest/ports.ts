import type { CallbackJob } from "@reelgate/shared/contract/jobs";

/** `stored: true` is the promise of guarantee G1: the callback survives the loss of every process and of the power. */
export type EnqueueResult = { stored: true } | { stored: false; reason: string };

/** Where accepted callbacks go. */
export interface CallbackQueue {
  /**
   * Stores the job under its id; an id that is there already counts as stored. Never throws for the state of what is
   * behind it, and settles in bounded time. `reason` is for logs and carries no secret.
   */
  enqueue(jobId: string, job: CallbackJob): Promise<EnqueueResult>;
}

export interface Clock {
  /** Unix time in milliseconds. */
  nowMs(): number;
}
