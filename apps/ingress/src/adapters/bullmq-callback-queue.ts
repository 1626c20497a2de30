import { SpanKind, TelemetryAttributes } from "bullmq";
import type { Queue } from "bullmq";
import { bullmqBatchAdd } from "@reelgate/shared/adapters/batch-add";
import type { JobToAdd } from "@reelgate/shared/adapters/batch-add";
import { JOB_NAMES } from "@reelgate/shared/contract/jobs";
import type { CallbackJob } from "@reelgate/shared/contract/jobs";
import { errorMessage } from "@reelgate/shared/errors";
import { MicroBatcher } from "@reelgate/shared/micro-batcher";
import type { RedisClient } from "@reelgate/shared/redis";
import type { CallbackQueue, EnqueueResult } from "../ingest/ports.ts";

/**
 * Longer than the client's own timeout on a command (2000 ms), whose error says more, and short enough that every
 * answer leaves within 2.5 s. It also covers what the client's timeout does not: the wait for a batch.
 */
const ENQUEUE_DEADLINE_MS = 2200;

/**
 * A group commit: measured best between many small writes, each of which costs Redis and this process about the same,
 * and one large one, during which everybody else waits.
 */
const MAX_CALLBACKS = 32;
const MAX_IN_FLIGHT = 4;
/** Callbacks of the largest sizes that can be configured would make a batch that no Redis takes in time. */
const MAX_BATCH_CHARS = 4 * 1024 * 1024;

/**
 * Errors of Redis that say how it stands, not what it was given. In the message of a failed script Redis 6 has the code
 * in the middle.
 */
const FAILS_ALL_ALIKE =
  /\b(?:OOM|READONLY|MISCONF|NOREPLICAS|LOADING|MASTERDOWN|CLUSTERDOWN|MOVED|ASK|TRYAGAIN|BUSY|UNKILLABLE|NOAUTH|WRONGPASS)\b/u;

export interface BullmqCallbackQueueOptions {
  queue: Queue<CallbackJob, void, string>;
  /** The connection of the queue. */
  client: RedisClient;
  /** Why nothing may be acknowledged at this moment, or null. */
  refusal: () => string | null;
  /** Called before a write; what it returns tells the same of that write, once the replicas have told. */
  beginCommit: () => () => Promise<string | null>;
  /** So many callbacks were sent to Redis together. */
  onCommit: (callbacks: number) => void;
  deadlineMs?: number;
}

/**
 * Callbacks as jobs of BullMQ, those that come at the same time in one command. The job id is derived from the body, so
 * that a repeated delivery and a command that ioredis sends again after a reconnect store the same job once.
 *
 * An error or a timeout does not mean that nothing was stored. It only means that nobody may say it was: the provider
 * sends the callback again, and the id makes it the same job.
 */
export function bullmqCallbackQueue(options: BullmqCallbackQueueOptions): CallbackQueue {
  const { queue, refusal, deadlineMs = ENQUEUE_DEADLINE_MS } = options;
  const add = bullmqBatchAdd(queue, options.client, JOB_NAMES.callbacks);
  const commit = async (jobs: readonly JobToAdd<CallbackJob>[]): Promise<string | null> => {
    const replicaRefusal = options.beginCommit();
    await add(jobs);
    // The reply may be that of another Redis than the one that was checked: commands in flight are sent again on the
    // next connection.
    return (await replicaRefusal()) ?? refusal();
  };
  const batcher = new MicroBatcher<JobToAdd<CallbackJob>, EnqueueResult>({
    maxSize: MAX_CALLBACKS,
    maxInFlight: MAX_IN_FLIGHT,
    weight: { of: ({ data }) => data.body.length, max: MAX_BATCH_CHARS },
    isolates: (error) =>
      error instanceof Error && error.name === "ReplyError" && !FAILS_ALL_ALIKE.test(error.message),
    onBatch: options.onCommit,
    run: async (jobs) => {
      // Asked once for all: it may have changed while they waited.
      const reason = refusal() ?? (await commit(jobs));
      const result: EnqueueResult = reason === null ? STORED : { stored: false, reason };
      return jobs.map(() => result);
    },
  });

  const submit = (job: JobToAdd<CallbackJob>): Promise<EnqueueResult> =>
    new Promise((resolve) => {
      const late = setTimeout(() => {
        // A Redis that is slower than callbacks come would fall behind for good if it were sent those too.
        batcher.withdraw(job);
        resolve({ stored: false, reason: `Redis did not reply within ${deadlineMs} ms` });
      }, deadlineMs);
      const settle = (result: EnqueueResult): void => {
        clearTimeout(late);
        resolve(result);
      };
      batcher.submit(job).then(settle, (error: unknown) => {
        settle({ stored: false, reason: errorMessage(error) });
      });
    });

  const enqueueInTrace = async (jobId: string, data: CallbackJob): Promise<EnqueueResult> =>
    // The span of `Queue#add`, whose name and attributes workers and readers of traces know.
    await queue.trace<EnqueueResult>(
      SpanKind.PRODUCER,
      "add",
      `${queue.name}.${JOB_NAMES.callbacks}`,
      // BullMQ makes the metadata for a function that has the parameter.
      async (span, metadata) => {
        const result = await submit({ id: jobId, data, metadata: metadata ?? null });
        span?.setAttributes({
          [TelemetryAttributes.JobName]: JOB_NAMES.callbacks,
          [TelemetryAttributes.JobId]: jobId,
        });
        return result;
      },
    );

  return {
    async enqueue(jobId, job): Promise<EnqueueResult> {
      const reason = refusal();
      if (reason !== null) return { stored: false, reason };
      return queue.opts.telemetry === undefined
        ? submit({ id: jobId, data: job, metadata: null })
        : enqueueInTrace(jobId, job);
    },
  };
}

const STORED: EnqueueResult = { stored: true };
