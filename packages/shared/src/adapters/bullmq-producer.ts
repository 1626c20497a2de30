import { Queue } from "bullmq";
import type { DefaultJobOptions, Telemetry } from "bullmq";
import { QUEUE_PREFIX } from "../contract/jobs.ts";
import type { QueueName } from "../contract/jobs.ts";
import { shardsOf } from "../contract/queue-shards.ts";
import type { QueueShard } from "../contract/queue-shards.ts";
import type { RedisClient } from "../redis.ts";

/**
 * Options of every job. They are kept with each job that waits, so that their bytes count: what can be said elsewhere is
 * (see kept-jobs.ts), and 156 bytes of JSON are the most that fit into the 160 that Redis then takes.
 *
 * `attempts` has no bound that matters: whether a callback or a recording has ended is decided in the catalogue, never
 * by a counter in Redis. A callback whose attempts ran out while Postgres was away would be lost, and its retained
 * failed job would swallow every redelivery. The delay between attempts is the worker's own (`backoff: custom`).
 */
const JOB_OPTIONS: DefaultJobOptions = {
  attempts: 1_000_000_000,
  backoff: { type: "custom" },
  stackTraceLimit: 5,
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
    defaultJobOptions: JOB_OPTIONS,
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
