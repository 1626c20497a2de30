import { batchedMediaQueue } from "@reelgate/shared/adapters/batched-media-queue";
import { bulkMediaQueue, bullmqMediaQueue } from "@reelgate/shared/adapters/bullmq-media-queue";
import { createProducer, createProducers } from "@reelgate/shared/adapters/bullmq-producer";
import { bullmqTelemetry } from "@reelgate/shared/adapters/bullmq-telemetry";
import {
  MEDIA_PRIORITY,
  QUEUES,
  callbackJobSchema,
  mediaJobSchema,
} from "@reelgate/shared/contract/jobs";
import type { CallbackJob, MediaJob } from "@reelgate/shared/contract/jobs";
import { shardsOf } from "@reelgate/shared/contract/queue-shards";
import { closeDatabase, openDatabase, pingDatabase, poolUse } from "@reelgate/catalogue/database";
import { assertSchemaCurrent } from "@reelgate/catalogue/migrate";
import { sweepStaging } from "@reelgate/media/download/staging/sweep-staging";
import { prepareStagingRoot } from "@reelgate/media/download/staging/staging-root";
import { openStorage } from "@reelgate/media/storage/open-storage";
import { onDisk } from "@reelgate/media/storage/storage-errors";
import type { Service } from "@reelgate/shared/lifecycle";
import { createLogger } from "@reelgate/shared/logger";
import { startOpsServer } from "@reelgate/shared/ops-server";
import type { Readiness } from "@reelgate/shared/ops-server";
import { createRedis, pingRedis } from "@reelgate/shared/redis";
import type { RedisClient, RedisRole } from "@reelgate/shared/redis";
import { requireQueueLayout } from "@reelgate/shared/queue-layout";
import { shardedMediaQueue } from "@reelgate/shared/sharded-media-queue";
import { createRegistry } from "@reelgate/shared/telemetry";
import { startTracing } from "@reelgate/shared/tracing/start-tracing";
import { startBullmqStage } from "./adapters/bullmq-stage.ts";
import { postgresCatalogue } from "./adapters/catalogue.ts";
import { guardedMediaEngine } from "./adapters/media-engine.ts";
import type { Copies } from "./adapters/media-engine.ts";
import { readyJobs } from "./adapters/ready-jobs.ts";
import { redisSweepTurn } from "./adapters/redis-sweep-turn.ts";
import { systemClock } from "./adapters/system-clock.ts";
import { tracedCatalogue, tracedEngine, tracedHandler } from "./adapters/traced-work.ts";
import { readWorkerConfig } from "./config.ts";
import type { CopiesConfig, WorkerConfig } from "./config.ts";
import { fetchedBytes, registerDependencyMetrics } from "./dependency-metrics.ts";
import { workerEvents } from "./events.ts";
import { replayCallback } from "./handlers/replay-callback.ts";
import { settleCallback } from "./handlers/settle-callback.ts";
import { sweepPending } from "./handlers/sweep-pending.ts";
import { verifyMedia } from "./handlers/verify-media.ts";
import { startShardedStage } from "./stages/sharded-stage.ts";
import { waitForSchema } from "./stages/wait-for-schema.ts";
import { repeatEvery } from "./stages/repeat.ts";
import { settleBatches, stageMetrics } from "./stage-metrics.ts";
import type { ShardedStage } from "./stages/stage.ts";
import { watchStages } from "./stages/watchdog.ts";

/** Between two sweeps of all workers together; each asks more often whether it is its turn. */
const SWEEP_INTERVAL_MS = 300_000;
const SWEEP_POLL_MS = 60_000;
/** What a download left belongs to a recording that failed or moved to another worker once nobody has touched it so long. */
const STAGING_UNUSED_MS = 7 * 86_400_000;
const STAGING_SWEEP_INTERVAL_MS = 3_600_000;
const SETTLE_BATCHES = { maxBatchSize: 256, maxBatchesInFlight: 2 } as const;
/** Jobs in hand are cancelled so long before the grace of the whole process ends. */
const CANCEL_MARGIN_MS = 10_000;

export interface WorkerService extends Service {
  opsPort: number;
}

/** Wires the worker and starts its stages. Everything that was opened is closed in reverse order. */
export async function compose(
  signal: AbortSignal,
  config: WorkerConfig = readWorkerConfig(),
): Promise<WorkerService> {
  await using opened = new AsyncDisposableStack();
  const logger = createLogger({ app: "worker", level: config.logLevel });
  const registry = createRegistry("worker");
  const events = workerEvents(logger, registry);
  const tracing = opened.use(await startTracing({ app: "worker", config: config.tracing, logger }));
  const telemetry = await bullmqTelemetry(tracing);
  const observerOf = stageMetrics(registry);

  const db = openDatabase({
    ...config.database,
    applicationName: "reelgate-worker",
    onError: (error) => logger.warn({ err: error }, "an idle connection to Postgres broke"),
  });
  opened.defer(() => closeDatabase(db));
  const connections: RedisClient[] = [];
  const connect = (role: RedisRole, name: string): RedisClient => {
    const client = createRedis({
      target: config.redis.target,
      role,
      name: `reelgate-worker-${name}`,
      onError: (error) => logger.warn({ err: error, connection: name }, "trouble with Redis"),
    });
    opened.defer(() => client.disconnect());
    connections.push(client);
    return client;
  };

  const stages: ShardedStage[] = [];
  const readiness = async (): Promise<Readiness> => {
    const reasons: string[] = [];
    await pingDatabase(db).catch(() => reasons.push("Postgres does not answer"));
    if (connections.some((client) => client.status !== "ready"))
      reasons.push("Redis is not connected");
    if (stages.length === 0 || stages.some((stage) => !stage.isRunning))
      reasons.push("a stage is not running");
    return reasons.length === 0 ? { ready: true } : { ready: false, reasons };
  };
  const producer = connect("producer", "media-producer");
  registerDependencyMetrics(registry, {
    pingRedis: () => pingRedis(producer),
    pingPostgres: () => pingDatabase(db),
    poolUse: () => poolUse(db),
  });
  const ops = await startOpsServer({ ...config.ops, registry, readiness });
  opened.use(ops);

  await waitForSchema({ clock: systemClock, events, check: () => assertSchemaCurrent(db) }, signal);

  const catalogue = tracedCatalogue(
    tracing,
    postgresCatalogue(db, { ...SETTLE_BATCHES, onBatch: settleBatches(registry) }),
  );
  const mediaProducers = createProducers<MediaJob>(config.redis.shardCount, {
    queue: QUEUES.media,
    connection: producer,
    telemetry,
    onError: (error) => logger.warn({ err: error }, "trouble with the media queue"),
  });
  // A bulk belongs to no trace: where there are traces, each job is queued by its own.
  const mediaQueue = shardedMediaQueue(
    mediaProducers.map((queue) =>
      tracing.isOn ? bullmqMediaQueue(queue) : batchedMediaQueue(bulkMediaQueue(queue, producer)),
    ),
  );
  const onJobUndecided = (jobId: string, error: Error): void =>
    logger.warn({ jobId, err: error }, "job could not be decided; it runs again");
  const common = {
    cancelAfterMs: Math.max(config.shutdownGraceMs - CANCEL_MARGIN_MS, 1000),
    onError: (error: Error): void => logger.warn({ err: error }, "trouble with a queue"),
    onJobUndecided,
    telemetry,
  };
  const copies = config.copies === null ? null : await openCopies(config.copies);
  if (copies !== null) {
    const { storage } = copies;
    opened.defer(() => storage.close());
    opened.use(
      repeatEvery(
        systemClock,
        STAGING_SWEEP_INTERVAL_MS,
        () => sweepStaging(storage.stagingRoot, STAGING_UNUSED_MS),
        (error) => logger.warn({ err: error }, "what downloads left could not be removed"),
      ),
    );
  }
  const engine = opened.use(
    guardedMediaEngine({ ...config.media, copies, onBytesFetched: fetchedBytes(registry) }),
  );

  if (config.stages.includes("callbacks")) {
    const connection = connect("worker", "callbacks");
    await unlessStopped(signal, requireQueueLayout(connection, config.redis.shardCount));
    stages.push(
      startShardedStage<CallbackJob>({
        shards: shardsOf(QUEUES.callbacks, config.redis.shardCount),
        concurrency: config.callbacksConcurrency,
        handler: tracedHandler(tracing, "settle callback", async (job, run) => {
          const deps = { catalogue, mediaQueue, clock: systemClock, events };
          if (job.replay === true) await replayCallback(deps, job, run.signal);
          else await settleCallback(deps, job, run.signal);
          return { kind: "done" };
        }),
        start: (shard, own) =>
          startBullmqStage({
            ...common,
            ...own,
            shard,
            observer: observerOf("callbacks"),
            connection,
            schema: callbackJobSchema,
            retryPriority: null,
          }),
      }),
    );
  }
  if (config.stages.includes("media")) {
    const connection = connect("worker", "media");
    await unlessStopped(signal, requireQueueLayout(connection, config.redis.shardCount));
    const traced = tracedEngine(tracing, engine);
    const deps = { catalogue, engine: traced, clock: systemClock, events, limits: config.media };
    stages.push(
      startShardedStage<MediaJob>({
        shards: shardsOf(QUEUES.media, config.redis.shardCount),
        concurrency: config.media.concurrency,
        handler: tracedHandler(tracing, "verify media", (job, run) => verifyMedia(deps, job, run)),
        start: (shard, own) =>
          startBullmqStage({
            ...common,
            ...own,
            shard,
            observer: observerOf("media"),
            connection,
            schema: mediaJobSchema,
            retryPriority: MEDIA_PRIORITY.repeatedLook,
          }),
      }),
    );
  }
  // Together: a stage that waits for its last job must not keep the other taking new ones.
  opened.defer(async () => {
    await Promise.all(stages.map((stage) => stage[Symbol.asyncDispose]()));
  });
  if (config.stages.includes("media")) {
    const turn = redisSweepTurn(producer, SWEEP_INTERVAL_MS);
    opened.use(
      repeatEvery(
        systemClock,
        SWEEP_POLL_MS,
        (sweepSignal) =>
          sweepPending({ catalogue, mediaQueue, turn, clock: systemClock, events }, sweepSignal),
        (error) =>
          logger.warn(
            { err: error },
            "the sweep of pending recordings failed; the next one follows",
          ),
      ),
    );
  }

  const stuck = Promise.withResolvers<string>();
  if (config.watchdogS > 0) {
    const watching = new AbortController();
    const watch = watchStages(
      {
        stages: stages
          .flatMap(({ shards }) => shards)
          .map(({ shard, activity }) => ({
            name: shard.name,
            activity,
            ready: readyJobs(
              producer,
              shard,
              createProducer({
                queue: shard.queue,
                shard,
                connection: producer,
                onError: common.onError,
              }),
            ),
          })),
        clock: systemClock,
        pingCatalogue: () => pingDatabase(db),
        stuckAfterMs: config.watchdogS * 1000,
      },
      watching.signal,
    );
    void watch.then((reason) => reason === null || stuck.resolve(reason));
    opened.defer(async () => {
      watching.abort();
      await watch;
    });
  }

  logger.info({ stages: config.stages, opsPort: ops.port }, "worker runs");
  const resources = opened.move();
  return {
    logger,
    shutdownGraceMs: config.shutdownGraceMs,
    opsPort: ops.port,
    stuck: stuck.promise,
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

/** Redis may be away for as long as it likes; a stop must not wait for it. */
async function unlessStopped<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const stopped = Promise.withResolvers<never>();
  const stop = (): void => stopped.reject(signal.reason as Error);
  signal.addEventListener("abort", stop, { once: true });
  work.catch(() => {});
  try {
    signal.throwIfAborted();
    return await Promise.race([work, stopped.promise]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

async function openCopies(config: CopiesConfig): Promise<Copies> {
  const storage = await openStorage(config.target, {
    workFolder: config.workDir,
    ...(config.credentials === null ? {} : { credentials: config.credentials }),
  });
  // Where nothing can be kept, a worker that starts would fail every recording, one by one.
  await onDisk(storage.stagingRoot, () => prepareStagingRoot(storage.stagingRoot));
  return { storage, maxSizeBytes: config.maxSizeBytes };
}
