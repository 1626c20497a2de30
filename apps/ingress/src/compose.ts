import { setTimeout as delay } from "node:timers/promises";
import { createProducers } from "@reelgate/shared/adapters/bullmq-producer";
import { bullmqTelemetry } from "@reelgate/shared/adapters/bullmq-telemetry";
import { QUEUES } from "@reelgate/shared/contract/jobs";
import type { CallbackJob } from "@reelgate/shared/contract/jobs";
import { shardsOf } from "@reelgate/shared/contract/queue-shards";
import type { Service } from "@reelgate/shared/lifecycle";
import { withinMs } from "@reelgate/shared/lifecycle";
import { createLogger } from "@reelgate/shared/logger";
import type { LoggerOptions } from "@reelgate/shared/logger";
import { startOpsServer } from "@reelgate/shared/ops-server";
import type { Readiness } from "@reelgate/shared/ops-server";
import { createRedis } from "@reelgate/shared/redis";
import { createRegistry } from "@reelgate/shared/telemetry";
import { startTracing } from "@reelgate/shared/tracing/start-tracing";
import { readVersion } from "@reelgate/shared/version";
import { bullmqCallbackQueue } from "./adapters/bullmq-callback-queue.ts";
import { RedisMonitor } from "./adapters/redis-monitor.ts";
import { openReplicaSpool } from "./adapters/spool/replica-folders.ts";
import { createApp } from "./app.ts";
import { readIngressConfig } from "./config.ts";
import type { IngressConfig } from "./config.ts";
import { describeIngress } from "./http/openapi.ts";
import { startPublicServer } from "./http/public-server.ts";
import { drainSpool } from "./ingest/drain-spool.ts";
import { ingest } from "./ingest/ingest.ts";
import type { CallbackQueue, Clock, Spool } from "./ingest/ports.ts";
import { readinessOf } from "./ingest/readiness.ts";
import { shardedQueue } from "./ingest/sharded-queue.ts";
import { spoolingQueue } from "./ingest/spooling-queue.ts";
import { SpoolTelemetry } from "./spool-telemetry.ts";
import { IngressTelemetry } from "./telemetry.ts";

export interface IngressService extends Service {
  port: number;
  opsPort: number;
}

/** What a test replaces. */
export interface IngressOverrides {
  clock?: Clock;
  logDestination?: NonNullable<LoggerOptions["destination"]>;
  /** See {@link RedisMonitor}. */
  recheckMs?: number;
}

/** How long the queue may take to let go of a Redis that does not answer. */
const QUEUE_CLOSE_MS = 500;

export function compose(): Promise<Service> {
  return startIngress(readIngressConfig());
}

/**
 * Starts the ingress. Redis need not be there: callbacks are refused until it is.
 *
 * @throws AppError `port_in_use` when one of its two ports is taken.
 */
export async function startIngress(
  config: IngressConfig,
  overrides: IngressOverrides = {},
): Promise<IngressService> {
  await using stack = new AsyncDisposableStack();
  const clock = overrides.clock ?? { nowMs: Date.now };
  const logger = createLogger({
    app: "ingress",
    level: config.logLevel,
    ...(overrides.logDestination === undefined ? {} : { destination: overrides.logDestination }),
  });
  const registry = createRegistry("ingress");
  const telemetry = new IngressTelemetry(logger, registry, clock);
  const tracing = stack.use(await startTracing({ app: "ingress", config: config.tracing, logger }));
  const onRedisError = (error: Error): void => telemetry.redisFailed(error);

  const redis = stack.adopt(
    createRedis({
      target: config.redis.target,
      role: "producer",
      name: "reelgate-ingress",
      onError: onRedisError,
    }),
    (client) => client.disconnect(),
  );
  const monitor = stack.use(
    new RedisMonitor({
      client: redis,
      shards: shardsOf(QUEUES.callbacks, config.redis.shardCount),
      requireDurable: config.redisDurability === "require",
      onChange: (state) => telemetry.redisChanged(state),
      onWrite: (durationMs) => telemetry.redisWritten(durationMs),
      ...(overrides.recheckMs === undefined ? {} : { recheckMs: overrides.recheckMs }),
    }),
  );
  const queues = createProducers<CallbackJob>(config.redis.shardCount, {
    queue: QUEUES.callbacks,
    connection: redis,
    onError: onRedisError,
    telemetry: await bullmqTelemetry(tracing),
  });
  stack.defer(async () => {
    await Promise.all(queues.map((queue) => withinMs(queue.close(), QUEUE_CLOSE_MS)));
  });
  const direct = shardedQueue(
    queues.map((queue, shard) =>
      bullmqCallbackQueue({ queue, refusal: () => monitor.refusal(shard) }),
    ),
  );
  const spooling =
    config.spoolDir === null
      ? null
      : stack.use(
          await openSpool({
            dir: config.spoolDir,
            maxBytes: config.spoolMaxBytes,
            queue: direct,
            telemetry: new SpoolTelemetry(logger, registry, clock),
          }),
        );
  const callbacks = spooling === null ? direct : spooling.queue;

  let stopping = false;
  const readiness = (): Readiness =>
    stopping
      ? { ready: false, reasons: ["stopping"] }
      : readinessOf(monitor.readiness(), spooling?.spool.depth ?? null);

  const ops = stack.use(
    await startOpsServer({
      host: config.opsHost,
      port: config.opsPort,
      registry,
      readiness: () => Promise.resolve(readiness()),
      documents: {
        "/openapi.json": describeIngress({
          version: readVersion(),
          hasPathToken: config.callbackPathToken !== null,
          isSigned: config.callbackKeys.length > 0,
          maxBodyBytes: config.maxBodyBytes,
        }),
      },
    }),
  );
  const app = createApp({
    pathToken: config.callbackPathToken,
    maxBodyBytes: config.maxBodyBytes,
    maxInFlight: config.maxInFlight,
    trustProxyHops: config.trustProxyHops,
    ingest: (delivery) =>
      ingest(delivery, {
        keys: config.callbackKeys,
        graceS: config.callbackGraceS,
        queue: callbacks,
        clock,
      }),
    readiness,
    telemetry,
    tracing,
  });
  const server = stack.use(
    await startPublicServer({
      host: config.host,
      port: config.port,
      listener: app,
      shutdownGraceMs: config.shutdownGraceMs,
    }),
  );
  stack.defer(() => {
    stopping = true;
  });

  if (config.callbackKeys.length === 0) {
    logger.warn("ALLOW_UNSIGNED=true: whoever reaches the port can send callbacks");
  }
  logger.info({ port: server.port, opsPort: ops.port }, "ingress listening");

  const running = stack.move();
  return {
    logger,
    shutdownGraceMs: config.shutdownGraceMs,
    port: server.port,
    opsPort: ops.port,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

interface OpenSpoolOptions {
  dir: string;
  maxBytes: number;
  queue: CallbackQueue;
  telemetry: SpoolTelemetry;
}

/** Opens the spool and begins to drain it. Disposing it stops the drain and lets the folder go; what is in it stays. */
async function openSpool(
  options: OpenSpoolOptions,
): Promise<AsyncDisposable & { queue: CallbackQueue; spool: Spool }> {
  const { telemetry } = options;
  const { own, orphans } = await openReplicaSpool(options.dir, {
    maxBytes: options.maxBytes,
    events: telemetry,
  });
  telemetry.watch(own, options.maxBytes);
  const stopping = new AbortController();
  const drained = drainSpool(
    {
      own,
      orphans,
      queue: options.queue,
      sleep: async (delayMs, signal) => {
        await delay(delayMs, undefined, { signal });
      },
      events: telemetry,
    },
    stopping.signal,
  );
  return {
    spool: own,
    queue: spoolingQueue(options.queue, own, () => telemetry.spooled()),
    [Symbol.asyncDispose]: async () => {
      stopping.abort(new Error("stopping"));
      await drained;
      await own[Symbol.asyncDispose]();
    },
  };
}
