import { Queue } from "bullmq";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { CatalogueDatabase } from "@reelgate/catalogue/database";
import { recordMediaFailure, recordMediaReport } from "@reelgate/catalogue/media-state";
import { QUEUES, QUEUE_PREFIX } from "@reelgate/shared/contract/jobs";
import type { MediaJob } from "@reelgate/shared/contract/jobs";
import { bulkRetrySchema } from "@reelgate/shared/contract/overview";
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

async function recording(fileId: string, streamId = "stream-1"): Promise<string> {
  const body = eventBody({ file_id: fileId, stream_id: streamId });
  const { recordingId } = await seed(db, { body });
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

/** Every page of a bulk retry, as a caller walks them. */
async function retryAll(query: string): Promise<{ retried: number; skipped: number }> {
  let cursor: string | null = "";
  const sum = { retried: 0, skipped: 0 };
  while (cursor !== null) {
    const path = `/api/recordings/retry?${query}&cursor=${cursor}`;
    const { status, body } = await dashboard.json(path, { method: "POST" });
    expect(status).toBe(202);
    const page = bulkRetrySchema.parse(body);
    sum.retried += page.retried;
    sum.skipped += page.skipped;
    cursor = page.nextCursor;
  }
  return sum;
}

describe("POST /api/recordings/retry", () => {
  test("retries every recording of a list, page by page, though each leaves the list", async () => {
    const failed = await Promise.all(
      Array.from({ length: 7 }, async (_, n) => {
        const id = await recording(`bulk-${n}`, "bulk");
        await fail(id, 0);
        return id;
      }),
    );
    const pending = await recording("bulk-pending", "bulk");
    await fail(await recording("other", "other"), 0);
    expect(await retryAll("stream_id=bulk&state=failed&limit=2")).toEqual({
      retried: 7,
      skipped: 0,
    });
    const jobs = await queuedJobs();
    for (const id of failed) {
      expect((await dashboard.json(`/api/recordings/${id}`)).body).toMatchObject({
        state: "pending",
        failure: null,
      });
      expect(jobs).toContainEqual({ recordingId: id, generation: 1 });
    }
    expect(jobs.map(({ recordingId }) => recordingId)).not.toContain(pending);
    expect(await retryAll("stream_id=bulk&limit=3")).toEqual({ retried: 0, skipped: 8 });
    expect(await retryAll("stream_id=other")).toEqual({ retried: 1, skipped: 0 });
  });

  test("of many at once each recording is accepted by exactly one", async () => {
    for (let n = 0; n < 30; n++) await fail(await recording(`many-${n}`, "many"), 0);
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => retryAll("stream_id=many&limit=30")),
    );
    expect(answers.reduce((sum, { retried }) => sum + retried, 0)).toBe(30);
  });

  test("a whole catalogue is retried only by whoever says so", async () => {
    for (const query of ["", "?limit=5", "?cursor=", "?stream_id=", "?all=true&state=failed"]) {
      const { status, body } = await dashboard.json(`/api/recordings/retry${query}`, {
        method: "POST",
      });
      expect({ status, body }).toMatchObject({
        status: 400,
        body: { error: "invalid_query", message: expect.stringContaining("all=true") as string },
      });
    }
    await fail(await recording("all", "all"), 0);
    expect((await retryAll("all=true")).retried).toBe(1);
  });

  test.each(["?all=false", "?state=gone", "?cursor=abc&state=failed", "?force=true"])(
    "%s is 400",
    async (query) => {
      expect(
        await dashboard.json(`/api/recordings/retry${query}`, { method: "POST" }),
      ).toMatchObject({ status: 400, body: { error: "invalid_query" } });
    },
  );

  test("is no recording of its own", async () => {
    const response = await dashboard.get("/api/recordings/retry");
    expect(response.status).toBe(405);
    expect(response.headers.get("allow")).toBe("POST");
  });
});

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
    await fail(id, 1);
    expect(await retryAll(`q=${id}`)).toEqual({ retried: 1, skipped: 0 });
    expect((await dashboard.json(`/api/recordings/${id}`)).body).toMatchObject({
      state: "pending",
    });
    expect(
      dashboard.log.withMessage("retries were not queued; the worker's sweep will"),
    ).toHaveLength(2);
    await redis.restart();
  });
});
