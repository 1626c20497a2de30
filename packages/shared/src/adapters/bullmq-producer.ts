import { Queue } from "bullmq";
import type { DefaultJobOptions, Telemetry } from "bullmq";
import { QUEUES, QUEUE_PREFIX } from "../contract/jobs.ts";
import type { QueueName } from "../contract/jobs.ts";
import { shardsOf } from "../contract/queue-shards.ts";
import type { QueueShard } from "../contract/queue-shards.ts";
import type { RedisClient } from "../redis.ts";

/**
 * Job options of each queue.
 *
 * `attempts` has no bound that matters: whether a callback or a recording has ended is decided in the catalogue, never
 * by a counter in Redis. A callback whose attempts ran out while Postgres was away would be lost, and its retained
 * failed job would swallow every redelivery. The delay between attempts is the worker's own (`backoff: custom`).
 *
 * Finished jobs are kept for a while for Bull Board to show; duplicates that arrive later are settled by the catalogue.
 */
const JOB_OPTIONS: Record<QueueName, DefaultJobOptions> = {
  [QUEUES.callbacks]: {
    attempts: Number.MAX_SAFE_INTEGER,
    backoff: { type: "custom" },
    stackTraceLimit: 5,
    removeOnComplete: { age: 3600, count: 1000 },
    removeOnFail: { age: 14 * 86_400 },
  },
  [QUEUES.media]: {
    attempts: Number.MAX_SAFE_INTEGER,
    backoff: { type: "custom" },
    stackTraceLimit: 5,
    removeOnComplete: { age: 3600, count: 1000 },
    // No longer than the finished ones: a kept job swallows a new one of its id, and after a restore of Postgres the
    // sweep must be able to queue it again.
    removeOnFail: { age: 3600, count: 1000 },
  },
};

export interface ProducerOptions {
  queue: QueueName;
  /** Which part of the queue; by default it is not split. */
  shard?: QueueShard;
  connection: RedisClient;
  onError: (error: Error) => void;
  /** Carries traces to whoever works on the jobs; null for none. */
  telemetry?: Telemetry | null;
}

/**
 * The producing side of a queue.
 *
 * `skipWaitingForReady` and `skipVersionCheck` go together: with `enableOfflineQueue: false` the version check of a
 * first connection that fails is cached as a rejected promise, and every later `add` fails although Redis is back
 * (bullmq 6.7, `RedisConnection#init`).
 *
 * `events.maxLen`: each add writes an event; nobody replays more than a glance's worth of them.
 */
export function createProducer<T>(options: ProducerOptions): Queue<T, void, string> {
  const { telemetry = null, shard } = options;
  const queue = new Queue<T, void, string>(shard?.name ?? options.queue, {
    prefix: QUEUE_PREFIX,
    connection: options.connection,
    skipWaitingForReady: true,
    skipVersionCheck: true,
    streams: { events: { maxLen: 1000 } },
    defaultJobOptions: JOB_OPTIONS[options.queue],
    ...(telemetry === null ? {} : { telemetry }),
  });
  queue.on("error", options.onError);
  return queue;
}

/** A producer of every shard, in their order. */
export function createProducers<T>(
  shardCount: number,
  options: Omit<ProducerOptions, "shard">,
): Queue<T, void, string>[] {
  return shardsOf(options.queue, shardCount).map((shard) =>
    createProducer<T>({ ...options, shard }),
  );
}
