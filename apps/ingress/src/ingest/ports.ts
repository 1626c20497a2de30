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

/** A callback as the spool keeps it. */
export interface SpooledCallback {
  jobId: string;
  job: CallbackJob;
}

/** What waits in the spool. */
export interface SpoolDepth {
  callbacks: number;
  /** Of the disk. */
  bytes: number;
  /** When the oldest of them was received, Unix time in milliseconds; null when none waits. */
  oldestAtMs: number | null;
  /** The last callback found no room, and nothing has left since. */
  isFull: boolean;
  /** The disk failed a moment ago, or does not answer. */
  isFailing: boolean;
}

/** Some callbacks of the spool, the oldest first. */
export interface SpoolBatch {
  callbacks: readonly SpooledCallback[];
  /** They are all where they belong: the spool may forget them. */
  done(): Promise<void>;
}

/** Where accepted callbacks wait on this machine's own disk while the queue is away. */
export interface Spool {
  /** `stored: true` is the same promise as the queue's. Never throws, and settles in bounded time. */
  append(job: CallbackJob): Promise<EnqueueResult>;
  /** Null when the spool is empty. */
  oldest(): Promise<SpoolBatch | null>;
  readonly depth: SpoolDepth;
}

/** Spools that have callbacks and no process, one at a time, each held until the next one is asked for. */
export type OrphanSpools = () => AsyncIterable<Spool>;

/** Who may send how much. */
export interface AddressLimiter {
  /**
   * Counts a request of this IP address.
   *
   * @returns milliseconds after which it may send again; 0 when it may now. Never rejects, and settles in bounded time.
   */
  waitMs(address: string): Promise<number>;
}

export interface Clock {
  /** Unix time in milliseconds. */
  nowMs(): number;
}
