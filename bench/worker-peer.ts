import { once } from "node:events";
import { Worker } from "bullmq";
import { closeDatabase, openDatabase } from "@reelgate/catalogue/database";
import { NODE_FLAGS } from "@reelgate/launcher/apps";
import { startProcess } from "@reelgate/launcher/servers/child-process";
import { bullmqMediaQueue } from "@reelgate/shared/adapters/bullmq-media-queue";
import { createProducer } from "@reelgate/shared/adapters/bullmq-producer";
import { QUEUES, QUEUE_PREFIX, callbackJobSchema } from "@reelgate/shared/contract/jobs";
import type { MediaJob } from "@reelgate/shared/contract/jobs";
import { createLogger } from "@reelgate/shared/logger";
import { createRedis } from "@reelgate/shared/redis";
import type { RedisClient, RedisRole } from "@reelgate/shared/redis";
import { createRegistry } from "@reelgate/shared/telemetry";
import { startBullmqStage } from "@reelgate/worker/adapters/bullmq-stage";
import { postgresCatalogue } from "@reelgate/worker/adapters/catalogue";
import { systemClock } from "@reelgate/worker/adapters/system-clock";
import { workerEvents } from "@reelgate/worker/events";
import { settleCallback } from "@reelgate/worker/handlers/settle-callback";
import { settleBatches, stageMetrics } from "@reelgate/worker/stage-metrics";

/** What the worker is held against, each in a process of its own. */
export const PEERS = {
  noop: "BullMQ's worker with a processor that does nothing",
  singly: "our stage 1 with one transaction and one media job at a time for each callback",
} as const;
export type Peer = keyof typeof PEERS;

export interface PeerOptions {
  peer: Peer;
  redisUrl: string;
  databaseUrl: string;
  concurrency: number;
  /** Connections to Postgres. */
  poolSize: number;
}

export interface RunningPeer extends AsyncDisposable {
  readonly pid: number;
}

/** Starts a peer as a process, under the flags that the worker has. */
export async function startPeer(options: PeerOptions): Promise<RunningPeer> {
  const ready = Promise.withResolvers<void>();
  const lines: string[] = [];
  const running = await startProcess({
    command: process.execPath,
    args: [...(NODE_FLAGS.worker ?? []), import.meta.filename],
    env: { ...process.env, [OPTIONS_ENV]: JSON.stringify(options) },
    onLine: (line) => {
      lines.push(line);
      if (line === READY) ready.resolve();
    },
  });
  void running.exited.then(() => ready.reject(new Error(`the peer ended: ${lines.join(" | ")}`)));
  await ready.promise;
  return { pid: running.pid, [Symbol.asyncDispose]: () => running.stop("SIGTERM", 5000) };
}

const OPTIONS_ENV = "REELGATE_BENCH_PEER";
const READY = "ready";

function connect(url: string, role: RedisRole): RedisClient {
  return createRedis({ url, role, name: "reelgate-bench-peer", onError: console.error });
}

async function runNoop({ redisUrl, concurrency }: PeerOptions): Promise<void> {
  const worker = new Worker(QUEUES.callbacks, async () => {}, {
    prefix: QUEUE_PREFIX,
    connection: connect(redisUrl, "worker"),
    concurrency,
  });
  worker.on("error", console.error);
  await worker.waitUntilReady();
}

/** The modules of the worker, put together as its `compose.ts` does, but for the batches. */
async function runSingly(options: PeerOptions): Promise<void> {
  const logger = createLogger({ app: "worker", level: "fatal" });
  const registry = createRegistry("worker");
  const db = openDatabase({
    url: options.databaseUrl,
    poolSize: options.poolSize,
    statementTimeoutMs: 15_000,
    applicationName: "reelgate-bench-peer",
    onError: console.error,
  });
  process.once("SIGTERM", () => void closeDatabase(db).finally(() => process.exit()));
  const producer = connect(options.redisUrl, "producer");
  const deps = {
    catalogue: postgresCatalogue(db, {
      maxBatchSize: 1,
      maxBatchesInFlight: options.poolSize,
      onBatch: settleBatches(registry),
    }),
    mediaQueue: bullmqMediaQueue(
      createProducer<MediaJob>({
        queue: QUEUES.media,
        connection: producer,
        onError: console.error,
      }),
    ),
    clock: systemClock,
    events: workerEvents(logger, registry),
  };
  startBullmqStage({
    shard: { queue: QUEUES.callbacks, index: 0, name: QUEUES.callbacks },
    connection: connect(options.redisUrl, "worker"),
    concurrency: options.concurrency,
    schema: callbackJobSchema,
    retryPriority: null,
    cancelAfterMs: 1000,
    observer: stageMetrics(registry)("callbacks"),
    onError: console.error,
    onJobUndecided: (_id, error) => console.error(error),
    telemetry: null,
    handler: async (job, run) => {
      await settleCallback(deps, job, run.signal);
      return { kind: "done" };
    },
  });
  if (producer.status !== "ready") await once(producer, "ready");
}

const given = process.env[OPTIONS_ENV];
if (given !== undefined && process.argv[1] === import.meta.filename) {
  const options = JSON.parse(given) as PeerOptions;
  await (options.peer === "noop" ? runNoop(options) : runSingly(options));
  console.log(READY);
}
