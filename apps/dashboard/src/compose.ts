import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { readBacklog } from "@reelgate/catalogue/backlog";
import { closeDatabase, openDatabase, pingDatabase } from "@reelgate/catalogue/database";
import { assertSchemaCurrent } from "@reelgate/catalogue/migrate";
import { openCopies } from "@reelgate/media/storage/open-copies";
import { bullmqMediaQueue } from "@reelgate/shared/adapters/bullmq-media-queue";
import { createProducers } from "@reelgate/shared/adapters/bullmq-producer";
import { bullmqTelemetry } from "@reelgate/shared/adapters/bullmq-telemetry";
import { QUEUES } from "@reelgate/shared/contract/jobs";
import type { CallbackJob, MediaJob } from "@reelgate/shared/contract/jobs";
import { tracingConfig } from "@reelgate/shared/env";
import { closeServer, listen } from "@reelgate/shared/http-listen";
import { withinMs } from "@reelgate/shared/lifecycle";
import type { Service } from "@reelgate/shared/lifecycle";
import { createLogger } from "@reelgate/shared/logger";
import type { LoggerOptions } from "@reelgate/shared/logger";
import { startOpsServer } from "@reelgate/shared/ops-server";
import type { Readiness } from "@reelgate/shared/ops-server";
import { PRODUCER_TIMEOUT_MS, createRedis, pingRedis } from "@reelgate/shared/redis";
import { watchQueueLayout } from "@reelgate/shared/queue-layout";
import { readRedisMemory } from "@reelgate/shared/redis-memory";
import { shardedMediaQueue } from "@reelgate/shared/sharded-media-queue";
import { createRegistry } from "@reelgate/shared/telemetry";
import { startTracing } from "@reelgate/shared/tracing/start-tracing";
import { readVersion } from "@reelgate/shared/version";
import { bullmqQueueCounter } from "./adapters/bullmq-queue-counter.ts";
import { bullmqQueueReader } from "./adapters/bullmq-queue-reader.ts";
import { postgresCatalogue } from "./adapters/postgres-catalogue.ts";
import { BOARD_PATH, createDashboardApp } from "./app.ts";
import { registerBacklogMetrics } from "./backlog-metrics.ts";
import { createBoard } from "./board.ts";
import type { DashboardConfig } from "./config.ts";
import { createGuessThrottle } from "./guess-throttle.ts";
import { operatorRetries } from "./operator-retries.ts";
import { withReadableTarget } from "./request-target.ts";
import { createCopyServer } from "./player/serve-copy.ts";

/** Ten wrong passwords at once, then ten a minute: 14,400 a day from one address. */
const GUESSES = { burst: 10, refillMs: 6000, maxAddresses: 10_000 } as const;

/** A client that sends or reads slower than this is cut off, so that it cannot hold connections for ever. */
const HTTP_TIMEOUTS = {
  headersTimeout: 5000,
  requestTimeout: 10_000,
  keepAliveTimeout: 5000,
  connectionsCheckingInterval: 1000,
} as const;
const IDLE_SOCKET_TIMEOUT_MS = 60_000;
const MAX_CONNECTIONS = 1000;

const READINESS_DEADLINE_MS = 2000;

export interface Dashboard extends Service {
  /** The port it listens on, and its private one. */
  port: number;
  opsPort: number;
}

/** What a test replaces. */
export interface DashboardOverrides {
  logDestination?: NonNullable<LoggerOptions["destination"]>;
  pagesFolder?: string;
}

/** The same beside `src` and `dist`. */
const PAGES_FOLDER = fileURLToPath(new URL("../public", import.meta.url));

/**
 * Puts the dashboard together and starts it.
 *
 * Redis may be away at start, and then the catalogue is shown without the queues. Postgres may not: its schema is
 * checked first.
 *
 * @throws AppError `catalogue_unavailable`, `schema_outdated` or `port_in_use`; nothing is left open then.
 */
export async function compose(
  config: DashboardConfig,
  overrides: DashboardOverrides = {},
): Promise<Dashboard> {
  const logger = createLogger({
    app: "dashboard",
    level: config.LOG_LEVEL,
    ...(overrides.logDestination === undefined ? {} : { destination: overrides.logDestination }),
  });
  const registry = createRegistry("dashboard");
  await using opened = new AsyncDisposableStack();
  const tracing = opened.use(
    await startTracing({ app: "dashboard", config: tracingConfig(config), logger }),
  );

  const database = opened.adopt(
    openDatabase({
      url: config.DATABASE_URL,
      poolSize: config.DATABASE_POOL_SIZE,
      statementTimeoutMs: config.DATABASE_STATEMENT_TIMEOUT_MS,
      applicationName: "reelgate-dashboard",
      onError: (error) => logger.warn({ err: error }, "a connection to Postgres broke"),
    }),
    closeDatabase,
  );
  await assertSchemaCurrent(database);

  const redis = opened.adopt(
    createRedis({
      target: config.redis.target,
      role: "producer",
      name: "reelgate-dashboard",
      onError: (error) => logger.warn({ err: error }, "Redis"),
    }),
    (client) => client.disconnect(),
  );
  const onQueueError = (error: Error): void => logger.warn({ err: error }, "queue");
  const telemetry = await bullmqTelemetry(tracing);
  const producer = { connection: redis, onError: onQueueError, telemetry };
  const { shardCount } = config.redis;
  const callbacks = createProducers<CallbackJob>(shardCount, {
    queue: QUEUES.callbacks,
    ...producer,
  });
  const media = createProducers<MediaJob>(shardCount, { queue: QUEUES.media, ...producer });
  // Closing waits for Redis, which may be away; the connection itself is closed after it in any case.
  opened.defer(async () => {
    await Promise.all(
      [...callbacks, ...media].map((queue) =>
        withinMs(queue.close().catch(onQueueError), PRODUCER_TIMEOUT_MS),
      ),
    );
  });
  const layout = watchQueueLayout(redis, shardCount, (problem) => logger.error(problem));

  const copies =
    config.copies === null
      ? null
      : opened.adopt(await openCopies(config.copies.target, config.copies.credentials), (storage) =>
          storage.close(),
        );
  const stopping = new AbortController();
  const queues = [
    { name: QUEUES.callbacks, shards: callbacks },
    { name: QUEUES.media, shards: media },
  ];
  const queueCounter = bullmqQueueCounter(queues);
  const queueReader = bullmqQueueReader(queues, queueCounter);
  registerBacklogMetrics(registry, {
    pingRedis: () => pingRedis(redis),
    pingPostgres: () => pingDatabase(database),
    queueReader,
    redisMemory: () => readRedisMemory(redis),
    catalogueBacklog: () => readBacklog(database),
  });

  const app = createDashboardApp({
    catalogue: postgresCatalogue(database),
    queueCounter,
    queueReader,
    mediaQueue: operatorRetries(shardedMediaQueue(media.map(bullmqMediaQueue)), registry, tracing),
    about: {
      version: readVersion(),
      playsStoredCopies: copies !== null,
      playsProviderUrls: config.PLAYER_PROVIDER_HOSTS !== null,
    },
    serveCopy: createCopyServer({
      copies,
      stopping: stopping.signal,
      onReadFailed: (error) => logger.warn({ err: error }, "a stored copy cannot be read"),
    }),
    providerHosts: config.PLAYER_PROVIDER_HOSTS,
    pagesFolder: overrides.pagesFolder ?? PAGES_FOLDER,
    board: createBoard({
      queues: [...callbacks, ...media],
      basePath: BOARD_PATH,
      onError: (error) => logger.error({ err: error }, "Bull Board"),
    }),
    credentials: { user: config.DASHBOARD_USER, password: config.DASHBOARD_PASSWORD },
    trustProxyHops: config.DASHBOARD_TRUST_PROXY,
    throttle: createGuessThrottle({ ...GUESSES, nowMs: Date.now }),
    registry,
    logger,
  });

  const readiness = async (): Promise<Readiness> => {
    const [postgresAnswers, redisAnswers] = await Promise.all([
      answers(pingDatabase(database)),
      answers(pingRedis(redis)),
    ]);
    const reasons = [
      ...(postgresAnswers ? [] : ["Postgres does not answer"]),
      ...(redisAnswers ? [] : ["Redis does not answer"]),
      ...(layout.problem === null ? [] : [layout.problem]),
    ];
    return reasons.length === 0 ? { ready: true } : { ready: false, reasons };
  };
  const ops = opened.use(
    await startOpsServer({ host: config.OPS_HOST, port: config.OPS_PORT, registry, readiness }),
  );

  const server = createServer(HTTP_TIMEOUTS, withReadableTarget(app));
  server.setTimeout(IDLE_SOCKET_TIMEOUT_MS);
  server.maxConnections = MAX_CONNECTIONS;
  const port = await listen(server, {
    host: config.DASHBOARD_HOST,
    port: config.DASHBOARD_PORT,
    portVariable: "DASHBOARD_PORT",
  });
  opened.defer(() => closeServer(server));
  // A copy takes as long as its reader likes, and the server waits for its answers.
  opened.defer(() => stopping.abort());
  logger.info({ host: config.DASHBOARD_HOST, port, opsPort: ops.port }, "listening");

  const running = opened.move();
  return {
    logger,
    shutdownGraceMs: config.SHUTDOWN_GRACE_MS,
    port,
    opsPort: ops.port,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

async function answers(ping: Promise<unknown>): Promise<boolean> {
  const outcome = ping.then(
    () => true,
    () => false,
  );
  return (await withinMs(outcome, READINESS_DEADLINE_MS)) && (await outcome);
}
