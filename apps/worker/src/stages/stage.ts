import type { QueueShard } from "@reelgate/shared/contract/queue-shards";

/** How a handler ends a job. What it throws instead means that it could not decide: the job is tried again later. */
export type JobEnd =
  | { kind: "done" }
  | { kind: "retry"; delayMs: number; error: Error }
  | { kind: "failed"; error: Error };

/** How far a job is, as it is shown to people. */
export type JobProgress = Readonly<Record<string, string | number | null>>;

/** The circumstances of one run of a job. */
export interface JobRun {
  /** Aborts when the process must stop; the handler then throws, and the job runs again elsewhere. */
  signal: AbortSignal;
  /** Earlier runs of this job that came to no end: the worker died, or was cut off from Redis. */
  crashes: number;
  /** Shows on the job how far it is. May be called often: a few of the values are shown, and the last one. */
  progress(value: JobProgress): void;
}

/** Hears of every run of a stage's jobs; for metrics, so it neither throws nor waits. */
export interface StageObserver {
  /** @param waitMs from the queueing of the job; null for a later run, which waited on purpose. */
  started(waitMs: number | null): void;
  ended(end: JobEnd["kind"] | "undecided", runMs: number): void;
  /** A job was taken from a worker that gave no sign of life. */
  stalled(): void;
}

/** The work on one job of a stage. Delivery is at least once, also concurrently: a handler must be idempotent. */
export type StageHandler<T> = (data: T, run: JobRun) => Promise<JobEnd>;

/** The work on one shard of a queue. Disposing it takes no new job, waits for those in hand, then cancels them. */
export interface RunningStage extends AsyncDisposable {
  readonly isRunning: boolean;
  readonly shard: QueueShard;
  /** Runs of jobs that have begun, ever, and those that have not ended. */
  readonly activity: () => { begun: number; inHand: number };
}

/** A running stage of each shard of a queue. Disposing it stops all of them together. */
export interface ShardedStage extends AsyncDisposable {
  readonly isRunning: boolean;
  readonly shards: readonly RunningStage[];
}
