import { createHash } from "node:crypto";
import { z } from "zod";

/**
 * The job catalogue: every queue, what its jobs carry, and how their ids are made.
 *
 * Ids are made here and never taken from outside: BullMQ keeps a job at the Redis key `prefix:queue:<jobId>`, in the
 * same namespace as the queue's own keys, so a job id such as "delayed" or "meta" stops or breaks the whole queue.
 */
export const QUEUE_PREFIX = "reelgate";
export const QUEUES = { callbacks: "callbacks", media: "media" } as const;
export type QueueName = (typeof QUEUES)[keyof typeof QUEUES];

/** The only job name of each queue; BullMQ shows it, nothing decides on it. */
export const JOB_NAMES = { callbacks: "callback", media: "media" } as const;

/**
 * One accepted delivery, exactly as it came.
 *
 * `body` is the raw body as text. The ingress accepts well-formed UTF-8 alone, so text and bytes are the same thing
 * in both directions, and the id can be recomputed from it.
 */
export interface CallbackJob {
  body: string;
  /** When the ingress had read the body: Unix time in milliseconds. */
  receivedAtMs: number;
  requestId: string;
  remoteAddress: string | null;
  /** Which of CALLBACK_KEYS matched, counted from 0; null when unsigned callbacks are allowed. */
  keyIndex: number | null;
  /**
   * An operator wants a settled callback judged again. A worker that does not know the mark takes the job for another
   * delivery of a callback that has its outcome, and changes nothing.
   */
  replay?: true | undefined;
}
export const callbackJobSchema: z.ZodType<CallbackJob> = z.object({
  body: z.string(),
  receivedAtMs: z.number().int().nonnegative(),
  requestId: z.string(),
  remoteAddress: z.string().nullable(),
  keyIndex: z.number().int().nonnegative().nullable(),
  replay: z.literal(true).optional(),
});

/** The id of a callback: the same bytes are the same callback, whenever and however often they arrive. */
export function callbackJobId(body: Uint8Array): string {
  return `cb-${createHash("sha256").update(body).digest("hex")}`;
}

/**
 * The id of the job that judges a settled callback again. It is not the callback's own: a job of that id may still be
 * there, and a redelivery meanwhile must not be swallowed.
 *
 * @param callbackId as {@link callbackJobId} makes it.
 */
export function replayJobId(callbackId: string): string {
  return callbackId.replace(/^cb-/u, "replay-");
}

/** Replays come after every live callback: BullMQ takes jobs without a priority before all that have one. */
export const REPLAY_PRIORITY = 1;

/** Work of stage 2: look at the file of one recording. `generation` counts the operator's retries. */
export interface MediaJob {
  recordingId: string;
  generation: number;
}
export const mediaJobSchema: z.ZodType<MediaJob> = z.object({
  recordingId: z.string().regex(/^\d+$/u),
  generation: z.number().int().nonnegative(),
});

/**
 * Derived from the recording, so that any number of callbacks, crashes and sweeps make one job. A retry is a new
 * generation and so a new id: the finished job of the old one, which BullMQ keeps, does not swallow it.
 */
export function mediaJobId(job: MediaJob): string {
  return `rec-${job.recordingId}-${job.generation}`;
}

/** Port: puts recordings in front of stage 2. Any number of calls for one recording and generation make one job. */
export interface MediaQueue {
  enqueue(job: MediaJob): Promise<void>;
}

/** The same for many at once. When the call rejects, some of them may be queued all the same. */
export interface BulkMediaQueue extends MediaQueue {
  enqueueAll(jobs: readonly MediaJob[]): Promise<void>;
}

/**
 * First looks come before repeated ones: a dead origin, whose recordings keep coming back, must not hold up the files
 * of those that answer. Both are set, since BullMQ takes jobs without any priority before all that have one, and moves
 * a job between two priorities in logarithmic time but out of its plain list only by reading through it.
 */
export const MEDIA_PRIORITY = { firstLook: 1, repeatedLook: 2 } as const;
