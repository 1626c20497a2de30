import { Queue } from "bullmq";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { CatalogueDatabase } from "@reelgate/catalogue/database";
import { recordMediaFailure } from "@reelgate/catalogue/media-state";
import { MEDIA_PRIORITY, QUEUES, QUEUE_PREFIX } from "@reelgate/shared/contract/jobs";
import { aboutSchema, overviewSchema } from "@reelgate/shared/contract/overview";
import type { Overview } from "@reelgate/shared/contract/overview";
import { createTestDatabase } from "@reelgate/testkit/postgres";
import { startTestRedis } from "@reelgate/testkit/redis-server";
import type { TestRedis } from "@reelgate/testkit/redis-server";
import { openCatalogue } from "./open-catalogue.ts";
import { startDashboard } from "./running-dashboard.ts";
import type { RunningDashboard } from "./running-dashboard.ts";
import { eventBody, seed } from "./seed.ts";

const stack = new AsyncDisposableStack();
let dashboard: RunningDashboard;
let db: CatalogueDatabase;
let redis: TestRedis;

beforeAll(async () => {
  const database = stack.use(await createTestDatabase());
  redis = stack.use(await startTestRedis());
  db = openCatalogue(stack, database.url);
  dashboard = stack.use(await startDashboard({ redisUrl: redis.url, databaseUrl: database.url }));
});
afterAll(async () => await stack.disposeAsync());

async function overview(query = ""): Promise<Overview> {
  const { status, body } = await dashboard.json(`/api/overview${query}`);
  expect(status).toBe(200);
  return overviewSchema.parse(body);
}

describe("GET /api/overview", () => {
  test("tells what happened and what waits", async () => {
    const { recordingId } = await seed(db, { body: eventBody() });
    await seed(db, { body: eventBody({ file_size: -1 }) });
    await recordMediaFailure(
      db,
      { recordingId: recordingId ?? "", generation: 0 },
      { code: "media_timeout", message: "Slow.", attempts: 1, final: true, report: null },
    );
    const seen = await overview();
    expect(seen.minutes).toHaveLength(60);
    const sum = (outcome: "recorded" | "invalid"): number =>
      seen.minutes.reduce((total, { byOutcome }) => total + byOutcome[outcome], 0);
    expect([sum("recorded"), sum("invalid")]).toEqual([1, 1]);
    expect(seen).toMatchObject({
      windowMinutes: 60,
      failures: [{ code: "media_timeout", recordings: 1 }],
      failedLooks: [{ code: "media_timeout", looks: 1 }],
      lag: { recordings: 0 },
    });
    const none = { waiting: 0, active: 0, delayed: 0, failed: 0, completed: 0 };
    expect(seen.queues).toEqual({
      callbacks: { ...none, oldestWaitingS: null },
      media: { ...none, oldestWaitingS: null },
    });
  });

  test("the oldest that waits is that of the list and of the set with priorities", async () => {
    const { hostname: host, port, password } = new URL(redis.url);
    const connection = { host, port: Number(port), password };
    const open = (name: string): Queue => new Queue(name, { prefix: QUEUE_PREFIX, connection });
    const callbacks = open(QUEUES.callbacks);
    const media = open(QUEUES.media);
    const agoS = (seconds: number): number => Date.now() - seconds * 1000;
    try {
      await callbacks.add("callback", {}, { timestamp: agoS(100) });
      await callbacks.add("callback", {}, { timestamp: agoS(50) });
      await media.add("media", {}, { timestamp: agoS(30), priority: MEDIA_PRIORITY.firstLook });
      await media.add("media", {}, { timestamp: agoS(20), priority: MEDIA_PRIORITY.firstLook });
      await media.add("media", {}, { timestamp: agoS(-60), delay: 3_600_000 });
      const { queues } = await overview();
      expect(queues).toMatchObject({
        callbacks: { waiting: 2 },
        media: { waiting: 2, delayed: 1 },
      });
      expect(queues["callbacks"]?.oldestWaitingS).toBeGreaterThanOrEqual(100);
      expect(queues["callbacks"]?.oldestWaitingS).toBeLessThan(200);
      expect(queues["media"]?.oldestWaitingS).toBeGreaterThanOrEqual(30);
      expect(queues["media"]?.oldestWaitingS).toBeLessThan(130);
      await media.obliterate({ force: true });
      // A clock that is ahead is no negative time.
      await media.add("media", {}, { timestamp: agoS(-60) });
      expect((await overview()).queues["media"]?.oldestWaitingS).toBe(0);
    } finally {
      await callbacks.close();
      await media.close();
    }
  });

  test.each([1, 180, 1440])("of %i minutes has so many", async (minutes) => {
    expect((await overview(`?minutes=${minutes}`)).minutes).toHaveLength(minutes);
  });

  test.each(["0", "1441", "x", "1.5", "-1"])("minutes=%s is 400", async (minutes) => {
    expect(await dashboard.json(`/api/overview?minutes=${minutes}`)).toMatchObject({
      status: 400,
      body: { error: "invalid_query", message: expect.stringContaining("minutes") as string },
    });
  });
});

test("GET /api/about tells the version and what can be played", async () => {
  const { status, body } = await dashboard.json("/api/about");
  expect(status).toBe(200);
  expect(aboutSchema.parse(body)).toEqual({
    version: expect.stringMatching(/^\d+\.\d+\.\d+/u) as string,
    playsStoredCopies: false,
    playsProviderUrls: false,
  });
});
