import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { recordMediaFailure, recordMediaReport } from "@reelgate/catalogue/media-state";
import {
  callbackSchema,
  pageSchema,
  recordingSchema,
  recordingWithCallbacksSchema,
  statsSchema,
} from "@reelgate/shared/contract/recording";
import type { Callback, Page, Recording } from "@reelgate/shared/contract/recording";
import { createTestDatabase } from "@reelgate/testkit/postgres";
import { startTestRedis } from "@reelgate/testkit/redis-server";
import { openCatalogue } from "./open-catalogue.ts";
import { startDashboard } from "./running-dashboard.ts";
import type { RunningDashboard } from "./running-dashboard.ts";
import { eventBody, seed } from "./seed.ts";

const stack = new AsyncDisposableStack();
let dashboard: RunningDashboard;
const ids: Record<string, string> = {};

/**
 * Recordings, of which the first five start at the same microsecond:
 *   r0…r3  stream-0…3, hls, app live.example.com; r0 pending, r1 indexed, r2 failed, r3 pending
 *   r4     stream-0, mp4, other app, appname and task
 *   late   stream-late, a day later
 */
beforeAll(async () => {
  const database = stack.use(await createTestDatabase());
  const redis = stack.use(await startTestRedis());
  const db = openCatalogue(stack, database.url);
  const recorded = async (name: string, body: Record<string, unknown>): Promise<void> => {
    const { recordingId } = await seed(db, { body: eventBody(body) });
    ids[name] = recordingId ?? "";
  };
  for (const n of [0, 1, 2, 3]) {
    await recorded(`r${n}`, {
      stream_id: `stream-${n}`,
      file_id: `100${n}`,
      record_file_id: `f${n}`,
    });
  }
  await recorded("r4", {
    stream_id: "stream-0",
    file_id: "1004",
    record_file_id: "f4",
    file_format: "mp4",
    app: "other.example.com",
    appname: "vod",
    task_id: "task-2",
  });
  await recorded("late", {
    stream_id: "stream-late",
    file_id: "1005",
    start_time: 1_700_086_400,
    end_time: 1_700_086_460,
    start_time_usec: 0,
  });
  await recordMediaReport(
    db,
    { recordingId: ids["r1"]!, generation: 0 },
    {
      media: {
        container: "hls",
        durationS: 60,
        durationIsExact: true,
        sizeBytes: 1_234_560,
        bitrateKbps: null,
        video: null,
        audio: null,
        hls: { segmentCount: 6, targetDurationS: 10, encrypted: false, variants: 0 },
      },
      findings: [
        { kind: "size_mismatch", declared: 1_234_567, actual: 1_234_560, detail: "7 bytes less" },
      ],
    },
    null,
  );
  await recordMediaFailure(
    db,
    { recordingId: ids["r2"]!, generation: 0 },
    {
      code: "media_not_found",
      message: "The file is not there.",
      attempts: 8,
      final: true,
      report: null,
    },
  );
  // A duplicate and a conflict of r0, an invalid and an unsupported callback.
  await seed(db, {
    body: eventBody({
      stream_id: "stream-0",
      file_id: "1000",
      record_file_id: "f0",
      t: 1_700_000_200,
    }),
  });
  await seed(db, {
    body: eventBody({ stream_id: "stream-0", file_id: "1000", record_file_id: "f0", file_size: 1 }),
  });
  await seed(db, { body: eventBody({ file_size: -1 }) });
  await seed(db, { body: eventBody({ event_type: 332 }), verdict: { kind: "unsupported" } });
  dashboard = stack.use(await startDashboard({ redisUrl: redis.url, databaseUrl: database.url }));
});
afterAll(async () => await stack.disposeAsync());

const nameOf = (id: string): string =>
  Object.entries(ids).find(([, value]) => value === id)?.[0] ?? `unknown ${id}`;

async function names(query: string): Promise<string[]> {
  const { status, body } = await dashboard.json(`/api/recordings${query}`);
  expect(status).toBe(200);
  return pageSchema(recordingSchema)
    .parse(body)
    .items.map((item) => nameOf(item.id));
}

describe("GET /api/recordings", () => {
  test("lists every recording, the latest start first", async () => {
    expect(await names("")).toEqual(["late", "r4", "r3", "r2", "r1", "r0"]);
  });

  test.each([
    ["?stream_id=stream-0", ["r4", "r0"]],
    ["?app=other.example.com", ["r4"]],
    ["?appname=live", ["late", "r3", "r2", "r1", "r0"]],
    ["?state=pending", ["late", "r4", "r3", "r0"]],
    ["?state=indexed", ["r1"]],
    ["?state=failed", ["r2"]],
    ["?state=stored", []],
    ["?format=mp4", ["r4"]],
    ["?format=aac", []],
    ["?task_id=task-2", ["r4"]],
    ["?from=2023-11-15T00:00:00Z", ["late"]],
    ["?to=2023-11-15T00:00:00Z", ["r4", "r3", "r2", "r1", "r0"]],
    [
      "?from=2023-11-14T22:13:20.123456Z&to=2023-11-14T22:13:20.123457Z",
      ["r4", "r3", "r2", "r1", "r0"],
    ],
    ["?from=2023-11-14T22:13:20.123457Z&to=2023-11-15T00:00:00Z", []],
    [
      "?from=2023-11-15T06:13:20.123456%2B08:00&to=2023-11-15T06:13:20.123457%2B08:00",
      ["r4", "r3", "r2", "r1", "r0"],
    ],
    ["?finding=any", ["r1"]],
    ["?finding=size_mismatch&state=indexed", ["r1"]],
    ["?finding=truncated", []],
    ["?q=1003", ["r3"]],
    ["?q=f2", ["r2"]],
    ["?q=stream-0", ["r4", "r0"]],
    ["?q=task-2", ["r4"]],
    ["?q=nothing", []],
    ["?stream_id=stream-0&format=hls&state=pending&app=live.example.com", ["r0"]],
    ["?stream_id=&state=failed&cursor=&limit=", ["r2"]],
    ["?limit=2", ["late", "r4"]],
  ])("%s", async (query, expected) => {
    expect(await names(query)).toEqual(expected);
  });

  test("finds a recording by its own id", async () => {
    expect(await names(`?q=${ids["r1"]}`)).toEqual(["r1"]);
  });

  test.each([1, 2, 3, 5, 6, 7])(
    "pages of %i show every recording exactly once, though five start at the same microsecond",
    async (limit) => {
      const seen: string[] = [];
      let cursor: string | null = "";
      while (cursor !== null) {
        const { body } = await dashboard.json(`/api/recordings?limit=${limit}&cursor=${cursor}`);
        const page = body as Page<Recording>;
        expect(page.items.length).toBeLessThanOrEqual(limit);
        seen.push(...page.items.map((item) => nameOf(item.id)));
        cursor = page.nextCursor;
      }
      expect(seen).toEqual(["late", "r4", "r3", "r2", "r1", "r0"]);
    },
  );

  test.each([
    ["?limit=0", "limit"],
    ["?limit=201", "limit"],
    ["?limit=1e2", "limit"],
    ["?limit=-1", "limit"],
    ["?state=gone", "state"],
    ["?format=avi", "format"],
    ["?finding=all", "finding"],
    ["?from=yesterday", "from"],
    ["?to=2026-02-30T00:00:00Z", "to"],
    ["?from=2026-01-01T00:00:00", "from"],
    ["?from=0000-01-01T00:00:00Z", "from"],
    ["?streamid=x", '"streamid"'],
    ["?stream_id=a&stream_id=a", "stream_id is given more than once"],
    ["?stream_id=a%00b", "stream_id"],
    [`?q=${"x".repeat(513)}`, "q"],
    ["?cursor=abc", "cursor"],
    ["?__proto__=1", '"__proto__"'],
    ["?stream_id[]=a", '"stream_id[]"'],
    [`?cursor=${Buffer.from('["0000-01-01T00:00:00Z","1"]').toString("base64url")}`, ""],
  ])("%s is a 400 that names what is wrong", async (query, named) => {
    const { status, body } = await dashboard.json(`/api/recordings${query}`);
    expect({ status, body }).toMatchObject({
      status: 400,
      body: {
        code: 400,
        error: "invalid_query",
        message: expect.stringContaining(named) as string,
      },
    });
  });
});

describe("GET /api/recordings/:id", () => {
  test("shows every field of the recording and the callbacks that named it", async () => {
    const { status, body } = await dashboard.json(`/api/recordings/${ids["r0"]}`);
    expect(status).toBe(200);
    const recording = recordingWithCallbacksSchema.parse(body);
    expect(recording).toMatchObject({
      streamId: "stream-0",
      fileId: "1000",
      startedAt: "2023-11-14T22:13:20.123456Z",
      endedAt: "2023-11-14T22:14:20.654321Z",
      declared: { durationS: 60, sizeBytes: 1_234_567 },
      callbackCount: 3,
      conflictCount: 1,
      state: "pending",
    });
    expect(recording.callbacks.map((callback) => callback.outcome)).toEqual([
      "recorded",
      "duplicate",
      "conflict",
    ]);
  });

  test.each([
    "0",
    "999999",
    "abc",
    "-1",
    "1.5",
    "9223372036854775808",
    "%00",
    "%ff",
    "a%2Fb",
    "1%20",
  ])("%s is 404", async (id) => {
    const { status, body } = await dashboard.json(`/api/recordings/${id}`);
    expect(status).toBe(404);
    expect(body).toMatchObject({ code: 404, message: expect.any(String) as string });
  });
});

describe("GET /api/callbacks", () => {
  test("lists every callback, the latest settled first, with its redacted body", async () => {
    const { status, body } = await dashboard.json("/api/callbacks");
    expect(status).toBe(200);
    const page = pageSchema(callbackSchema).parse(body);
    expect(page.items.map((item) => item.outcome)).toEqual([
      "unsupported",
      "invalid",
      "conflict",
      "duplicate",
      ...Array.from({ length: 6 }, () => "recorded"),
    ]);
    expect(JSON.parse(page.items[0]!.body)).toMatchObject({ event_type: 332, sign: "[redacted]" });
  });

  test.each([
    ["?outcome=invalid", 1],
    ["?outcome=recorded", 6],
    ["?event_type=332", 1],
    ["?event_type=100&outcome=duplicate", 1],
    ["?event_type=1", 0],
    ["?limit=3", 3],
  ])("%s", async (query, count) => {
    const { body } = await dashboard.json(`/api/callbacks${query}`);
    expect(pageSchema(callbackSchema).parse(body).items).toHaveLength(count);
  });

  test("of one recording", async () => {
    const { body } = await dashboard.json(`/api/callbacks?recording_id=${ids["r0"]}`);
    expect(
      pageSchema(callbackSchema)
        .parse(body)
        .items.map((item) => item.outcome),
    ).toEqual(["conflict", "duplicate", "recorded"]);
    const path = `/api/callbacks?recording_id=${ids["r0"]}&outcome=conflict`;
    expect(((await dashboard.json(path)).body as Page<Callback>).items).toHaveLength(1);
  });

  test("pages show every callback exactly once", async () => {
    const seen: string[] = [];
    let cursor: string | null = "";
    while (cursor !== null) {
      const { body } = await dashboard.json(`/api/callbacks?limit=3&cursor=${cursor}`);
      const page = body as Page<Callback>;
      seen.push(...page.items.map((item) => item.id));
      cursor = page.nextCursor;
    }
    expect(seen).toHaveLength(10);
    expect(new Set(seen).size).toBe(10);
  });

  test.each(["?outcome=lost", "?event=100", "?recording_id=x", "?limit=x", "?cursor=%7B%7D"])(
    "%s is 400",
    async (query) => {
      const { status, body } = await dashboard.json(`/api/callbacks${query}`);
      expect({ status, body }).toMatchObject({ status: 400, body: { error: "invalid_query" } });
    },
  );

  test("one callback by its id, and 404 for every other id", async () => {
    const { body } = await dashboard.json("/api/callbacks?outcome=conflict");
    const [conflict] = pageSchema(callbackSchema).parse(body).items;
    const one = await dashboard.json(`/api/callbacks/${conflict!.id}`);
    expect(one).toEqual({ status: 200, body: conflict });
    for (const id of [`cb-${"0".repeat(64)}`, "cb-1", "1", "%00", "x".repeat(5000)]) {
      expect(await dashboard.json(`/api/callbacks/${id}`)).toMatchObject({
        status: 404,
        body: { code: 404, error: "not_found" },
      });
    }
  });
});

describe("GET /api/stats", () => {
  test("counts the catalogue and the queues", async () => {
    const { status, body } = await dashboard.json("/api/stats");
    expect(status).toBe(200);
    expect(statsSchema.parse(body)).toEqual({
      callbacks: {
        total: 10,
        byOutcome: { recorded: 6, duplicate: 1, conflict: 1, invalid: 1, unsupported: 1 },
      },
      recordings: {
        total: 6,
        byState: { pending: 4, indexed: 1, stored: 0, failed: 1 },
        withFindings: 1,
      },
      queues: {
        callbacks: { waiting: 0, active: 0, delayed: 0, failed: 0, completed: 0 },
        media: { waiting: 0, active: 0, delayed: 0, failed: 0, completed: 0 },
      },
    });
  });
});

describe("what is not there", () => {
  test.each([
    "/api",
    "/api/",
    "/api/recording",
    "/api/recordings/",
    "/api/RECORDINGS",
    "/nothing",
    "/api/recordings/1/2/3",
  ])("GET %s is 404 in JSON", async (path) => {
    expect(await dashboard.json(path)).toMatchObject({
      status: 404,
      body: { code: 404, error: "not_found" },
    });
  });

  test.each([
    ["POST", "/api/recordings", "GET, HEAD"],
    ["DELETE", "/api/recordings/1", "GET, HEAD"],
    ["GET", "/api/recordings/1/retry", "POST"],
    ["OPTIONS", "/api/stats", "GET, HEAD"],
    ["PUT", "/", "GET, HEAD"],
  ])("%s %s is 405 in JSON and says what is allowed", async (method, path, allow) => {
    const response = await dashboard.get(path, { method });
    expect(response.status).toBe(405);
    expect(response.headers.get("allow")).toBe(allow);
    expect(await response.json()).toMatchObject({ code: 405, error: "method_not_allowed" });
  });

  test("HEAD answers as GET without a body", async () => {
    const response = await dashboard.get("/api/stats", { method: "HEAD" });
    expect(response.status).toBe(200);
    expect(await response.text()).toBe("");
  });
});
