import { Queue } from "bullmq";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { CatalogueDatabase } from "@reelgate/catalogue/database";
import { recordMediaFailure, recordMediaReport } from "@reelgate/catalogue/media-state";
import { QUEUES, QUEUE_PREFIX } from "@reelgate/shared/contract/jobs";
import type { MediaJob } from "@reelgate/shared/contract/jobs";
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

async function recording(fileId: string): Promise<string> {
  const { recordingId } = await seed(db, { body: eventBody({ file_id: fileId }) });
  return recordingId ?? "";
}

async function fail(recordingId: string, generation: number): Promise<void> {
  await recordMediaFailure(
    db,
    { recordingId, generation },
    {
      code: "media_timeout",
      message: "The origin was too slow.",
      attempts: 8,
      final: true,
      report: null,
    },
  );
}

const retry = async (id: string): Promise<{ status: number; body: unknown }> =>
  await dashboard.json(`/api/recordings/${id}/retry`, { method: "POST" });

async function queuedJobs(): Promise<MediaJob[]> {
  const { hostname: host, port, password } = new URL(redis.url);
  const queue = new Queue<MediaJob>(QUEUES.media, {
    prefix: QUEUE_PREFIX,
    connection: { host, port: Number(port), password },
  });
  try {
    return (await queue.getJobs(["prioritized"])).map((job) => job.data);
  } finally {
    await queue.close();
  }
}

describe("POST /api/recordings/:id/retry", () => {
  test("sends a failed recording back to pending, with a job of its own each time", async () => {
    const id = await recording("1");
    await fail(id, 0);
    expect(await retry(id)).toEqual({ status: 202, body: { id, state: "pending" } });
    expect((await dashboard.json(`/api/recordings/${id}`)).body).toMatchObject({
      state: "pending",
      failure: null,
    });
    await fail(id, 1);
    expect(await retry(id)).toMatchObject({ status: 202 });
    expect(await queuedJobs()).toEqual(
      expect.arrayContaining([
        { recordingId: id, generation: 1 },
        { recordingId: id, generation: 2 },
      ]),
    );
    expect(dashboard.log.withMessage("a recording is retried")).toContainEqual(
      expect.objectContaining({ recordingId: id, generation: 2 }),
    );
  });

  test("looks at an indexed recording again", async () => {
    const id = await recording("2");
    await recordMediaReport(
      db,
      { recordingId: id, generation: 0 },
      {
        media: {
          container: "hls",
          durationS: null,
          durationIsExact: false,
          sizeBytes: null,
          bitrateKbps: null,
          video: null,
          audio: null,
          hls: null,
        },
        findings: [],
      },
      null,
    );
    expect(await retry(id)).toEqual({ status: 202, body: { id, state: "pending" } });
  });

  test("refuses a pending recording: a look at it is on its way", async () => {
    const id = await recording("3");
    const { status, body } = await retry(id);
    expect({ status, body }).toMatchObject({
      status: 409,
      body: {
        code: 409,
        error: "retry_not_possible",
        message: expect.stringContaining("pending") as string,
      },
    });
  });

  test("of many at once exactly one is accepted", async () => {
    const id = await recording("4");
    await fail(id, 0);
    const answers = await Promise.all(Array.from({ length: 20 }, () => retry(id)));
    expect(answers.filter(({ status }) => status === 202)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(19);
    expect((await queuedJobs()).filter((job) => job.recordingId === id)).toHaveLength(1);
  });

  test.each(["999999", "abc", "-1", "%00", "%ff"])("%s is 404", async (id) => {
    expect(await retry(id)).toMatchObject({ status: 404 });
  });

  test("takes no parameter", async () => {
    const { status } = await dashboard.json("/api/recordings/1/retry?force=true", {
      method: "POST",
    });
    expect(status).toBe(400);
  });

  // Last: it takes Redis away.
  test("is accepted while Redis is away: the recording is pending, and the sweep will queue it", async () => {
    const id = await recording("5");
    await fail(id, 0);
    await redis.kill("SIGKILL");
    const startedAt = performance.now();
    expect(await retry(id)).toEqual({ status: 202, body: { id, state: "pending" } });
    expect(performance.now() - startedAt).toBeLessThan(3000);
    expect((await dashboard.json(`/api/recordings/${id}`)).body).toMatchObject({
      state: "pending",
    });
    await redis.restart();
  });
});
