import { setMaxListeners } from "node:events";
import { UnrecoverableError, Worker } from "bullmq";
import type { Telemetry } from "bullmq";
import type { z } from "zod";
import { KEPT_JOBS } from "@reelgate/shared/adapters/kept-jobs";
import { QUEUE_PREFIX } from "@reelgate/shared/contract/jobs";
import type { QueueShard } from "@reelgate/shared/contract/queue-shards";
import { withinMs } from "@reelgate/shared/lifecycle";
import type { RedisClient } from "@reelgate/shared/redis";
import type { JobEnd, RunningStage, StageHandler, StageObserver } from "../stages/stage.ts";
import { batchedEnds } from "./batched-ends.ts";
import { createJobProgress } from "./job-progress.ts";

export interface BullmqStageOptions<T> {
  /** The part of the queue whose jobs are run. */
  shard: QueueShard;
  /**
   * Of role `worker`; several stages may have the same. BullMQ makes another one of it for its blocking read. The caller
   * closes it.
   */
  connection: RedisClient;
  concurrency: number;
  schema: z.ZodType<T>;
  handler: StageHandler<T>;
  /** Priority that a job gets when its handler sends it back; null to leave it as it is. */
  retryPriority: number | null;
  /**
   * How long a job belongs to this worker without a sign of life, in milliseconds. BullMQ gives one each half of it from
   * a timer of its own, however long the handler works: only a process that is dead or stands still loses its jobs.
   */
  lockDurationMs?: number;
  /** How long a stop waits for jobs in hand before it cancels them, in milliseconds. */
  cancelAfterMs: number;
  /** Trouble with Redis; BullMQ goes on by itself. */
  onError: (error: Error) => void;
  /** A job whose handler could not decide. Ends that a handler chose are the handler's to report. */
  onJobUndecided: (jobId: string, error: Error) => void;
  observer: StageObserver;
  /** Takes up the traces of whoever queued the jobs; null for none. */
  telemetry: Telemetry | null;
}

/** Thrown to give a job back with a delay of the handler's choosing. */
class RetryLater extends Error {
  readonly delayMs: number;
  constructor(delayMs: number, cause: Error) {
    super(cause.message, { cause });
    this.delayMs = delayMs;
  }
}

/** The handler's own verdict that the job has failed for good. */
class EndedInFailure extends UnrecoverableError {}

/** A job that is thrown out by a stop is to run again at once, elsewhere. */
class StoppedInHand extends Error {}

const MAX_UNDECIDED_DELAY_MS = 30_000;
/** What cancelled jobs get to let go. */
const CLOSE_MARGIN_MS = 5000;

/**
 * Runs the jobs of one shard of a queue.
 *
 * A handler's end becomes the job's: done, retried after its delay, or failed for good. What it throws instead is
 * undecided and retried with backoff, without limit: in this system the catalogue decides that something has ended,
 * never a counter in Redis.
 *
 * `maxStalledCount`: by default a job that was in hand at two crashes fails for good, whatever its attempts; an
 * acknowledged callback must not.
 */
export function startBullmqStage<T>(options: BullmqStageOptions<T>): RunningStage {
  const stopping = new AbortController();
  // Whatever every job in hand waits for listens to it.
  setMaxListeners(0, stopping.signal);
  const lockDurationMs = options.lockDurationMs ?? 30_000;
  let begun = 0;
  let inHand = 0;
  const worker = new Worker<T, void, string>(
    options.shard.name,
    async (job) => {
      begun++;
      const data = options.schema.safeParse(job.data);
      if (!data.success) {
        // Not failed for good: in a rollout the job may be of a newer version, whose worker will understand it.
        throw new Error(`the job's data is not of this version: ${data.error.message}`);
      }
      const progress = createJobProgress(job);
      const startedAtMs = performance.now();
      options.observer.started(job.attemptsStarted > 1 ? null : Date.now() - job.timestamp);
      let end: JobEnd | undefined;
      inHand++;
      try {
        // Both counters are BullMQ's: one counts the runs that began, the other those that ended.
        const crashes = Math.max(job.attemptsStarted - job.attemptsMade - 1, 0);
        end = await options.handler(data.data, {
          signal: stopping.signal,
          crashes,
          progress: (value) => progress.report(value),
        });
        await progress.flush();
      } catch (error) {
        if (stopping.signal.aborted) throw new StoppedInHand("the worker stopped");
        throw error;
      } finally {
        inHand--;
        options.observer.ended(end?.kind ?? "undecided", performance.now() - startedAtMs);
      }
      switch (end.kind) {
        case "done":
          return;
        case "retry":
          if (options.retryPriority !== null) {
            await job.changePriority({ priority: options.retryPriority });
          }
          throw new RetryLater(end.delayMs, end.error);
        case "failed":
          throw new EndedInFailure(end.error.message);
        default:
          end satisfies never;
      }
    },
    {
      prefix: QUEUE_PREFIX,
      connection: options.connection,
      concurrency: options.concurrency,
      lockDuration: lockDurationMs,
      stalledInterval: lockDurationMs / 2,
      maxStalledCount: 1_000_000,
      settings: { backoffStrategy: delayOf },
      ...KEPT_JOBS[options.shard.queue],
      ...(options.telemetry === null ? {} : { telemetry: options.telemetry }),
    },
    batchedEnds,
  );
  worker.on("error", options.onError);
  worker.on("stalled", () => options.observer.stalled());
  worker.on("failed", (job, error) => {
    const decided = [RetryLater, EndedInFailure, StoppedInHand].some(
      (kind) => error instanceof kind,
    );
    if (!decided) options.onJobUndecided(job?.id ?? "unknown", error);
  });

  return {
    get isRunning() {
      return worker.isRunning();
    },
    shard: options.shard,
    activity: () => ({ begun, inHand }),
    async [Symbol.asyncDispose]() {
      // BullMQ's close waits for the jobs in hand without a deadline of its own.
      const closed = worker.close();
      if (!(await withinMs(closed, options.cancelAfterMs)))
        stopping.abort(new Error("the worker stops"));
      // With Redis away the last replies never come; what is in hand then stalls and is taken up elsewhere.
      await withinMs(closed, CLOSE_MARGIN_MS);
    },
  };
}

function delayOf(attemptsMade: number, _type?: string, error?: Error): number {
  if (error instanceof RetryLater) return error.delayMs;
  if (error instanceof StoppedInHand) return 0;
  const delayMs = Math.min(1000 * 2 ** Math.min(attemptsMade - 1, 10), MAX_UNDECIDED_DELAY_MS);
  return Math.round(delayMs * (0.5 + Math.random() / 2));
}
