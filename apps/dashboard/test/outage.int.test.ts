import { request } from "node:http";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startHalfOpenProxy } from "@reelgate/testkit/half-open-proxy";
import type { HalfOpenProxy } from "@reelgate/testkit/half-open-proxy";
import { until } from "@reelgate/testkit/latch";
import { createTestDatabase } from "@reelgate/testkit/postgres";
import { startTestRedis } from "@reelgate/testkit/redis-server";
import { openCatalogue } from "./open-catalogue.ts";
import { PASSWORD, USER, basic, startDashboard } from "./running-dashboard.ts";
import type { RunningDashboard } from "./running-dashboard.ts";
import { eventBody, seed } from "./seed.ts";

const stack = new AsyncDisposableStack();
let dashboard: RunningDashboard;
let postgres: HalfOpenProxy;
let redis: HalfOpenProxy;
let urls: { redisUrl: string; databaseUrl: string; env: Record<string, string> };

beforeAll(async () => {
  const database = stack.use(await createTestDatabase());
  const redisServer = stack.use(await startTestRedis());
  const db = openCatalogue(stack, database.url);
  await seed(db, { body: eventBody() });
  postgres = stack.use(await startHalfOpenProxy(Number(new URL(database.url).port)));
  redis = stack.use(await startHalfOpenProxy(redisServer.port));
  urls = {
    redisUrl: redis.through(redisServer.url),
    databaseUrl: postgres.through(database.url),
    env: { DATABASE_STATEMENT_TIMEOUT_MS: "500" },
  };
  dashboard = stack.use(await startDashboard(urls));
});
afterAll(async () => await stack.disposeAsync());

beforeEach(async () => {
  await postgres.set("pass");
  await redis.set("pass");
  await until(async () => (await fetch(`${dashboard.opsUrl}/readyz`)).status === 200);
});

async function timed<T>(work: Promise<T>): Promise<{ value: T; tookMs: number }> {
  const startedAt = performance.now();
  const value = await work;
  return { value, tookMs: performance.now() - startedAt };
}

describe.each(["refuse", "reset", "blackhole"] as const)("while Redis is away (%s)", (mode) => {
  test("the counts of the catalogue are shown within 3 s, and the recordings as ever", async () => {
    await redis.set(mode);
    const { value, tookMs } = await timed(dashboard.json("/api/stats"));
    expect(tookMs).toBeLessThan(3000);
    expect(value).toMatchObject({ status: 200, body: { recordings: { total: 1 }, queues: {} } });
    const overview = await timed(dashboard.json("/api/overview"));
    expect(overview.tookMs).toBeLessThan(3000);
    expect(overview.value).toMatchObject({ status: 200, body: { windowMinutes: 60, queues: {} } });
    expect(await dashboard.json("/api/recordings")).toMatchObject({
      status: 200,
      body: { items: [{ streamId: "stream-1" }] },
    });
    const readiness = await fetch(`${dashboard.opsUrl}/readyz`);
    expect(readiness.status).toBe(503);
    expect(await readiness.json()).toEqual({ ready: false, reasons: ["Redis does not answer"] });
    await redis.set("pass");
    await until(async () => {
      const { body } = await dashboard.json("/api/stats");
      return Object.keys((body as { queues: object }).queues).length === 2;
    });
  });

  test("Bull Board answers an error that names nothing inside", async () => {
    await redis.set(mode);
    const { value, tookMs } = await timed(dashboard.json("/queues/api/queues"));
    expect(tookMs).toBeLessThan(6000);
    expect(value).toEqual({
      status: 500,
      body: { error: { key: "ERRORS.INTERNAL_SERVER_ERROR" } },
    });
  });
});

describe.each(["refuse", "reset", "blackhole"] as const)("while Postgres is away (%s)", (mode) => {
  test("every operation that needs it is 503 in JSON, and names nothing inside", async () => {
    await postgres.set(mode);
    const answers = await Promise.all(
      [
        ["GET", "/api/recordings"],
        ["GET", "/api/recordings/1"],
        ["POST", "/api/recordings/1/retry"],
        ["GET", "/api/callbacks"],
        ["GET", `/api/callbacks/cb-${"0".repeat(64)}`],
        ["GET", "/api/stats"],
        ["GET", "/api/overview"],
        ["POST", "/api/recordings/retry?state=failed"],
      ].map(async ([method = "", path = ""]) => {
        const { value: response, tookMs } = await timed(dashboard.get(path, { method }));
        expect(tookMs).toBeLessThan(10_000);
        expect(response.headers.get("retry-after")).toBe("2");
        return { status: response.status, body: await response.json() };
      }),
    );
    for (const answer of answers) {
      expect(answer).toEqual({
        status: 503,
        body: {
          code: 503,
          error: "catalogue_unavailable",
          message: "Postgres cannot be reached or refuses work for now.",
        },
      });
    }
    expect(await (await fetch(`${dashboard.opsUrl}/readyz`)).json()).toEqual({
      ready: false,
      reasons: ["Postgres does not answer"],
    });
    await postgres.set("pass");
    await until(async () => (await dashboard.get("/api/recordings")).status === 200);
    for (const url of [urls.databaseUrl, urls.redisUrl]) {
      expect(dashboard.log.text()).not.toContain(new URL(url).password);
    }
  });
});

describe("starting and stopping", () => {
  test("it starts while Redis is away, and counts the queues once it is back", async () => {
    await redis.set("refuse");
    await using started = await startDashboard(urls);
    expect(await started.json("/api/stats")).toMatchObject({ status: 200, body: { queues: {} } });
    await redis.set("pass");
    await until(async () => {
      const { body } = await started.json("/api/stats");
      return Object.keys((body as { queues: object }).queues).length === 2;
    });
  });

  test("it does not start without the schema, and says what to do", async () => {
    await using empty = await createTestDatabase({ migrated: false });
    await expect(startDashboard({ ...urls, databaseUrl: empty.url })).rejects.toMatchObject({
      code: "schema_outdated",
    });
  });

  test("it does not start without Postgres", async () => {
    await postgres.set("refuse");
    await expect(startDashboard(urls)).rejects.toMatchObject({ code: "catalogue_unavailable" });
  });

  test("it does not start on a port that is taken", async () => {
    const port = new URL(dashboard.url).port;
    await expect(
      startDashboard({ ...urls, env: { ...urls.env, DASHBOARD_PORT: port } }),
    ).rejects.toMatchObject({ code: "port_in_use" });
  });

  test("a stop answers what it has accepted, also while Redis is away", async () => {
    const started = await startDashboard(urls);
    await postgres.set({ delayMs: 300 });
    const connectionsBefore = postgres.acceptedCount;
    const inHand = [started.json("/api/recordings"), started.json("/api/callbacks")];
    // The pool holds one connection: a second one is opened when both requests are in hand.
    await until(() => postgres.acceptedCount > connectionsBefore);
    await redis.set("blackhole");
    const { tookMs } = await timed(Promise.resolve(started[Symbol.asyncDispose]()));
    expect(tookMs).toBeLessThan(8000);
    expect(await Promise.all(inHand)).toMatchObject([{ status: 200 }, { status: 200 }]);
    await expect(fetch(started.url)).rejects.toThrow("fetch failed");
  });
});

test("no path and query, however hostile, is a 5xx", async () => {
  const paths = fc.constantFrom(
    "/api/recordings",
    "/api/recordings/",
    "/api/callbacks",
    "/api/callbacks/",
    "/api/stats",
    "/api/overview",
    "/",
    "/queues/api/queues",
    "/queues/queue/",
  );
  const names = fc.constantFrom(
    ..."stream_id app appname state format task_id from to q limit cursor outcome event_type recording_id finding minutes".split(
      " ",
    ),
    ..."activeQueue status page jobsPerPage".split(" "),
  );
  const cursors = fc.json().map((json) => Buffer.from(json).toString("base64url"));
  const keys = fc
    .tuple(
      fc.oneof(
        fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
        fc.constantFrom("0000-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999Z"),
      ),
      fc.bigInt({ min: -10n, max: 2n ** 64n }).map(String),
    )
    .map((key) => Buffer.from(JSON.stringify(key)).toString("base64url"));
  const values = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.string({ unit: "grapheme" }),
    fc.integer().map(String),
    fc.constantFrom("100", "%00", "%ff", "%", "2026-01-01T00:00:00Z", "callbacks", "failed", "1e9"),
    cursors,
    keys,
  );
  const encode = (value: string): string => encodeURIComponent(value.toWellFormed());
  const pair = fc
    .tuple(fc.oneof(names, values), values)
    .chain(([name, value]) =>
      fc.constantFrom(
        `${encode(name)}=${encode(value)}`,
        `${encode(name)}=${value.replaceAll(/[^\x21-\x7e]|#/gu, "")}`,
      ),
    );
  const tail = fc.oneof(
    fc.constant(""),
    values.map(encode),
    fc.constantFrom("%", "%ff", "..%2f..", "%00"),
  );
  const hostile = fc
    .tuple(paths, tail, fc.array(pair, { maxLength: 5 }))
    .map(([path, end, pairs]) => `${path.endsWith("/") ? path + end : path}?${pairs.join("&")}`);
  const counts = new Map<number, number>();
  await fc.assert(
    fc.asyncProperty(hostile, async (target) => {
      const status = await statusOf(target);
      counts.set(status, (counts.get(status) ?? 0) + 1);
      expect(status).toBeLessThan(500);
    }),
    { numRuns: 500 },
  );
  // Otherwise the test would be about one refusal.
  expect([...counts.keys()]).toEqual(expect.arrayContaining([200, 400, 404]));
});

/** Sent as it is: `fetch` would normalise the path. */
async function statusOf(path: string): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const { port } = new URL(dashboard.url);
  request(
    { host: "127.0.0.1", port, path, headers: { authorization: basic(USER, PASSWORD) } },
    (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    },
  )
    .on("error", reject)
    .end();
  return await promise;
}

test("the metrics name routes, not paths", async () => {
  await dashboard.get("/api/recordings/1");
  await dashboard.get("/scanned/path.php");
  const metrics = await (await fetch(`${dashboard.opsUrl}/metrics`)).text();
  expect(metrics).toContain(
    'reelgate_dashboard_http_requests_total{route="/api/recordings/:id",method="GET",status="200",app="dashboard"}',
  );
  expect(metrics).toContain(
    'reelgate_dashboard_http_request_duration_seconds_count{app="dashboard",route="/api/recordings"}',
  );
  const routes = new Set([...metrics.matchAll(/route="([^"]*)"/gu)].map((match) => match[1]));
  expect([...routes].toSorted((a = "", b = "") => a.localeCompare(b))).toEqual([
    "/",
    "/api/callbacks",
    "/api/callbacks/:id",
    "/api/overview",
    "/api/recordings",
    "/api/recordings/:id",
    "/api/recordings/:id/retry",
    "/api/recordings/retry",
    "/api/stats",
    "/queues",
    "other",
  ]);
});
