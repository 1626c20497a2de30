import { Worker } from "bullmq";
import { createProducer } from "@reelgate/shared/adapters/bullmq-producer";
import { bullmqMediaQueue } from "@reelgate/shared/adapters/bullmq-media-queue";
import { QUEUES, QUEUE_PREFIX, callbackJobId } from "@reelgate/shared/contract/jobs";
import type { CallbackJob, MediaJob } from "@reelgate/shared/contract/jobs";
import { createRedis } from "@reelgate/shared/redis";
import type { RedisClient } from "@reelgate/shared/redis";
import { closeDatabase, openDatabase } from "@reelgate/catalogue/database";
import type { CatalogueDatabase } from "@reelgate/catalogue/database";
import { judgeCallback } from "@reelgate/catalogue/judge-callback";
import { settleCallback } from "@reelgate/catalogue/settle";
import type { Settlement, Verdict } from "@reelgate/catalogue/settle";
import { until } from "@reelgate/testkit/latch";
import { createTestDatabase } from "@reelgate/testkit/postgres";
import { callbackJobOf, recordingBody } from "@reelgate/testkit/recording-body";
import { startTestRedis } from "@reelgate/testkit/redis-server";

/** Real Redis and Postgres, and the two stages' work done by hand: the command line knows no worker. */
export interface System extends AsyncDisposable {
  /** What makes a command find it. */
  env: Record<string, string>;
  /** The tables themselves, to plant faults in. */
  db: CatalogueDatabase;
  redis: RedisClient;
  callbacks: ReturnType<typeof createProducer<CallbackJob>>;
  media: ReturnType<typeof createProducer<MediaJob>>;
  /** What the ingress does with an accepted body. Resolves with the callback's id. */
  accept(body: string): Promise<string>;
  /** What stage 1 does with a body: settles it, and queues the media job. */
  settle(body: string, verdict?: Verdict): Promise<Settlement & { id: string }>;
  /** Settles what is accepted, until it is disposed. */
  startStage1(): AsyncDisposable;
}

/** The body of a recording of its own. */
export const bodyOf = (fileId: string, changes: Readonly<Record<string, unknown>> = {}): string =>
  recordingBody({ file_id: fileId, record_file_id: fileId, ...changes });

export async function startSystem(): Promise<System> {
  await using opened = new AsyncDisposableStack();
  const server = opened.use(await startTestRedis());
  const database = opened.use(await createTestDatabase());
  const db = openDatabase({
    url: database.url,
    poolSize: 8,
    statementTimeoutMs: 10_000,
    applicationName: "test",
    onError: () => {},
  });
  opened.defer(() => closeDatabase(db));
  const connect = (role: "producer" | "worker"): RedisClient =>
    createRedis({ url: server.url, role, name: "test", onError: () => {} });
  const redis = opened.adopt(connect("producer"), (client) => client.disconnect());
  await until(() => redis.status === "ready", { what: "the connection to Redis" });
  const callbacks = createProducer<CallbackJob>({
    queue: QUEUES.callbacks,
    connection: redis,
    onError: () => {},
  });
  const media = createProducer<MediaJob>({
    queue: QUEUES.media,
    connection: redis,
    onError: () => {},
  });
  const mediaQueue = bullmqMediaQueue(media);
  async function settleJob(
    job: CallbackJob,
    verdict?: Verdict,
  ): Promise<Settlement & { id: string }> {
    const id = callbackJobId(Buffer.from(job.body));
    const judgement = judgeCallback(job.body);
    const settlement = await settleCallback(db, {
      ...job,
      id,
      ...judgement,
      verdict: verdict ?? judgement.verdict,
    });
    if (settlement.mediaJob !== null) await mediaQueue.enqueue(settlement.mediaJob);
    return { ...settlement, id };
  }
  const resources = opened.move();
  return {
    env: { REDIS_URL: server.url, DATABASE_URL: database.url },
    db,
    redis,
    callbacks,
    media,
    async accept(body) {
      const jobId = callbackJobId(Buffer.from(body));
      await callbacks.add("callback", callbackJobOf(body), { jobId });
      return jobId;
    },
    settle: (body, verdict) => settleJob(callbackJobOf(body), verdict),
    startStage1() {
      const connection = connect("worker");
      const worker = new Worker<CallbackJob, void>(
        QUEUES.callbacks,
        async ({ data }) => void (await settleJob(data)),
        { prefix: QUEUE_PREFIX, connection, concurrency: 8 },
      );
      worker.on("error", () => {});
      return {
        async [Symbol.asyncDispose]() {
          await worker.close();
          connection.disconnect();
        },
      };
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}
