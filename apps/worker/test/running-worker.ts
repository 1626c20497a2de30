import { fileURLToPath } from "node:url";
import { createProducer } from "@reelgate/shared/adapters/bullmq-producer";
import { QUEUES, callbackJobId } from "@reelgate/shared/contract/jobs";
import type { CallbackJob } from "@reelgate/shared/contract/jobs";
import type { Recording } from "@reelgate/shared/contract/recording";
import { createRedis } from "@reelgate/shared/redis";
import { countByOutcome } from "@reelgate/catalogue/callback-log";
import { closeDatabase, openDatabase } from "@reelgate/catalogue/database";
import type { CatalogueDatabase } from "@reelgate/catalogue/database";
import { listRecordings } from "@reelgate/catalogue/recordings";
import { until } from "@reelgate/testkit/latch";
import { createTestDatabase } from "@reelgate/testkit/postgres";
import { callbackJobOf } from "@reelgate/testkit/recording-body";
import { startTestRedis } from "@reelgate/testkit/redis-server";
import type { TestRedis } from "@reelgate/testkit/redis-server";
import { compose } from "../src/compose.ts";
import { readWorkerConfig } from "../src/config.ts";

/** The sample recordings that the simulator serves. */
export const SAMPLES: string = fileURLToPath(
  new URL("../../../packages/simulator/media/", import.meta.url),
);

/** Ids of a recording of its own. */
export const unique = (name: string): Record<string, unknown> => ({
  file_id: name,
  record_file_id: name,
  stream_id: name,
  channel_id: name,
});

/** Real Redis and Postgres, the producing side of the callbacks queue, and workers to start on them. */
export interface Stage extends AsyncDisposable {
  redis: TestRedis;
  db: CatalogueDatabase;
  databaseUrl: string;
  /** What the ingress does with an accepted body. */
  accept(body: string): Promise<void>;
  /** Stopped together with the stage, or before. */
  startWorker(env?: Record<string, string>): Promise<AsyncDisposable>;
  outcomes(): Promise<Record<string, number>>;
  /** Waits until so many callbacks have an outcome. */
  settled(count: number, timeoutMs?: number): Promise<void>;
  /** The only recording of a stream, once it satisfies the condition. */
  recording(streamId: string, condition: (recording: Recording) => boolean): Promise<Recording>;
}

export async function setTheStage(options: { databaseUrl?: string } = {}): Promise<Stage> {
  await using opened = new AsyncDisposableStack();
  const redis = opened.use(await startTestRedis());
  const databaseUrl = options.databaseUrl ?? opened.use(await createTestDatabase()).url;
  const db = openDatabase({
    url: databaseUrl,
    poolSize: 4,
    statementTimeoutMs: 10_000,
    applicationName: "test",
    onError: () => {},
  });
  opened.defer(() => closeDatabase(db));
  const connection = createRedis({
    url: redis.url,
    role: "producer",
    name: "test",
    onError: () => {},
  });
  opened.defer(() => connection.disconnect());
  await until(() => connection.status === "ready", { what: "the connection to Redis" });
  const queue = createProducer<CallbackJob>({
    queue: QUEUES.callbacks,
    connection,
    onError: () => {},
  });
  const outcomes = async (): Promise<Record<string, number>> =>
    Object.fromEntries(await countByOutcome(db));
  const resources = opened.move();
  return {
    redis,
    db,
    databaseUrl,
    async accept(body) {
      await queue.add("callback", callbackJobOf(body), { jobId: callbackJobId(Buffer.from(body)) });
    },
    async startWorker(env = {}) {
      const worker = await compose(
        new AbortController().signal,
        readWorkerConfig({
          REDIS_URL: redis.url,
          DATABASE_URL: databaseUrl,
          OPS_PORT: "0",
          LOG_LEVEL: "silent",
          MEDIA_ALLOWED_HOSTS: "127.0.0.1",
          ...env,
        }),
      );
      return resources.use(worker);
    },
    outcomes,
    async settled(count, timeoutMs = 30_000) {
      await until(
        async () => Object.values(await outcomes()).reduce((sum, one) => sum + one, 0) === count,
        { what: `${count} outcomes`, timeoutMs, intervalMs: 50 },
      );
    },
    recording: (streamId, condition) =>
      until(
        async () => {
          const { items } = await listRecordings(db, { streamId }, { limit: 2, cursor: null });
          return items.length === 1 && items[0] !== undefined && condition(items[0]) && items[0];
        },
        { what: `the recording of ${streamId}`, timeoutMs: 30_000, intervalMs: 50 },
      ),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}
