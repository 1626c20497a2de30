import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { recordMediaReport } from "@reelgate/catalogue/media-state";
import { closeServer, listen } from "@reelgate/shared/http-listen";
import { createLogger } from "@reelgate/shared/logger";
import { createRegistry } from "@reelgate/shared/telemetry";
import { startHalfOpenProxy } from "@reelgate/testkit/half-open-proxy";
import type { HalfOpenProxy } from "@reelgate/testkit/half-open-proxy";
import { createLogSink } from "@reelgate/testkit/log-sink";
import { openApiChecker } from "@reelgate/testkit/openapi-checker";
import type { OpenApiChecker } from "@reelgate/testkit/openapi-checker";
import { createTestDatabase } from "@reelgate/testkit/postgres";
import { startTestRedis } from "@reelgate/testkit/redis-server";
import { createDashboardApp } from "../src/app.ts";
import { createGuessThrottle } from "../src/guess-throttle.ts";
import { parseProviderHosts } from "../src/player/provider-hosts.ts";
import { apiRoutesOf } from "./express-routes.ts";
import { openCatalogue } from "./open-catalogue.ts";
import { PASSWORD, USER, basic, startDashboard } from "./running-dashboard.ts";
import type { RunningDashboard } from "./running-dashboard.ts";
import { eventBody, seed } from "./seed.ts";

const stack = new AsyncDisposableStack();
let dashboard: RunningDashboard;
let checker: OpenApiChecker;
let postgres: HalfOpenProxy;
let databaseUrl: string;
let redisUrl: string;
const ids: Record<string, string> = {};
let callbackId: string;
/** Operation and status of every answer that was held against the description. */
const seen = new Set<string>();

beforeAll(async () => {
  const root = await mkdtemp(join(tmpdir(), "reelgate-openapi-"));
  stack.defer(() => rm(root, { recursive: true }));
  const database = stack.use(await createTestDatabase());
  const redis = stack.use(await startTestRedis());
  const db = openCatalogue(stack, database.url);
  redisUrl = redis.url;
  for (const name of ["movie", "hls", "plain"]) {
    const { recordingId, id } = await seed(db, { body: eventBody({ file_id: name }) });
    ids[name] = recordingId ?? "";
    callbackId = id;
  }
  await writeFile(join(root, "a.mp4"), "0123456789");
  await writeFile(join(root, "index.m3u8"), "#EXTM3U");
  for (const [name, file] of [
    ["movie", "a.mp4"],
    ["hls", "index.m3u8"],
  ] as const) {
    const media = {
      container: "mp4" as const,
      durationS: 60,
      durationIsExact: true,
      sizeBytes: 10,
      bitrateKbps: null,
      video: { codec: "h264", width: 2, height: 2, fps: null },
      audio: { codec: "aac", sampleRateHz: 48_000, channels: 2 },
      hls: { segmentCount: 1, targetDurationS: 6, encrypted: false, variants: 0 },
    };
    const finding = { kind: "truncated" as const, declared: 1, actual: null, detail: "Short." };
    await recordMediaReport(
      db,
      { recordingId: ids[name] ?? "", generation: 0 },
      { media, findings: [finding] },
      { url: pathToFileURL(join(root, file)).href, sizeBytes: 10, sha256: "0", files: 1 },
      12,
    );
  }
  postgres = stack.use(await startHalfOpenProxy(Number(new URL(database.url).port)));
  databaseUrl = postgres.through(database.url);
  dashboard = stack.use(
    await startDashboard({
      redisUrl,
      databaseUrl,
      env: {
        STORAGE_URL: pathToFileURL(root).href,
        PLAYER_PROVIDER_HOSTS: "*.myqcloud.com",
        DATABASE_STATEMENT_TIMEOUT_MS: "1000",
      },
    }),
  );
  const served = await dashboard.json("/api/openapi.json");
  checker = await openApiChecker(served.body as Record<string, unknown>);
});
afterAll(async () => await stack.disposeAsync());

/** Holds a real answer against the description of its operation. */
async function hold(operation: string, response: Response): Promise<number> {
  const { status, headers } = response;
  const problems = checker.problems(operation, { status, headers, text: await response.text() });
  expect({ operation, status, problems }).toEqual({ operation, status, problems: [] });
  seen.add(`${operation} ${status}`);
  return status;
}

/** A path of an operation with ids of what is there, or of what is not. */
function pathOf(operation: string, of = ids["movie"]): { method: string; path: string } {
  const [method = "", template = ""] = operation.split(" ");
  const id = template.startsWith("/api/callbacks") && of === ids["movie"] ? callbackId : of;
  return { method, path: template.replace("{id}", id ?? "").replace("{file}", "index.m3u8") };
}

const copy = "GET /api/recordings/{id}/copy";
const copyFile = "GET /api/recordings/{id}/copy/{file}";

describe("the served description", () => {
  test("has every route that Express has, and no other", () => {
    const app = appOf(brokenCatalogue);
    expect(apiRoutesOf(app).toSorted()).toEqual(checker.operations.toSorted());
    expect(checker.operations.length).toBeGreaterThan(12);
  });

  test("shows examples that are as it says", () => {
    expect(checker.exampleProblems()).toEqual([]);
  });

  test("says of itself what is true", async () => {
    const { body } = await dashboard.json("/api/openapi.json");
    const ops = Object.values((body as { paths: Record<string, Record<string, object>> }).paths)
      .flatMap((methods) => Object.values(methods))
      .map((one) => one as { operationId: string; parameters: { name: string }[] });
    expect(new Set(ops.map(({ operationId }) => operationId)).size).toBe(ops.length);
    const list = ops.find(({ operationId }) => operationId === "listRecordings");
    expect(list?.parameters).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          name: "limit",
          schema: { type: "integer", minimum: 1, maximum: 200, default: 50 },
        }),
        expect.objectContaining({ name: "from", schema: { type: "string", format: "date-time" } }),
        expect.objectContaining({ name: "finding" }),
      ]),
    );
  });
});

describe("every answer is as described", () => {
  test("of what succeeds", async () => {
    for (const operation of checker.operations) {
      const { method, path } = pathOf(operation, ids[operation === copyFile ? "hls" : "movie"]);
      if (path.endsWith("/retry")) continue;
      await hold(operation, await dashboard.get(path, { method }));
    }
    await hold(copy, await dashboard.get(pathOf(copy, ids["hls"]).path));
    for (const [operation, name] of [
      [copy, "movie"],
      [copyFile, "hls"],
    ] as const) {
      const { path } = pathOf(operation, ids[name]);
      const part = await dashboard.get(path, { headers: { range: "bytes=0-1" } });
      expect(await hold(operation, part)).toBe(206);
      const beyond = await dashboard.get(path, { headers: { range: "bytes=99-" } });
      expect(await hold(operation, beyond)).toBe(416);
      const other = await dashboard.get(path, { headers: { "if-match": '"other"' } });
      expect(await hold(operation, other)).toBe(412);
      const etag = beyond.headers.get("etag") ?? "";
      const headers = { "if-none-match": etag, "cache-control": "max-age=0" };
      expect(await hold(operation, await dashboard.get(path, { headers }))).toBe(304);
    }
    const retry = "POST /api/recordings/{id}/retry";
    const { path } = pathOf(retry);
    expect(await hold(retry, await dashboard.get(path, { method: "POST" }))).toBe(202);
    expect(await hold(retry, await dashboard.get(path, { method: "POST" }))).toBe(409);
    const bulk = "POST /api/recordings/retry";
    const all = await dashboard.get("/api/recordings/retry?all=true", { method: "POST" });
    expect(await hold(bulk, all)).toBe(202);
  });

  test("of what is refused", async () => {
    for (const operation of checker.operations) {
      const { method, path } = pathOf(operation);
      const bogus = await dashboard.get(`${path}?bogus=1`, { method });
      expect(await hold(operation, bogus)).toBe(400);
      expect(await hold(operation, await fetch(`${dashboard.url}${path}`, { method }))).toBe(401);
    }
    for (const operation of checker.operations.filter((one) => one.startsWith("POST"))) {
      const headers = { origin: "http://evil.test" };
      const { method, path } = pathOf(operation);
      expect(await hold(operation, await dashboard.get(path, { method, headers }))).toBe(403);
    }
    for (const operation of checker.operations.filter((one) => one.includes("{id}"))) {
      const { method, path } = pathOf(operation, "999999");
      expect(await hold(operation, await dashboard.get(path, { method }))).toBe(404);
    }
    expect(await hold(copy, await dashboard.get(pathOf(copy, ids["plain"]).path))).toBe(404);
  });

  test("of what is not allowed", async () => {
    await using strict = await startDashboard({ redisUrl, databaseUrl });
    const operation = "GET /api/recordings/{id}/source";
    expect(await hold(operation, await strict.get(pathOf(operation).path))).toBe(403);
  });

  test("of an address that has to wait", async () => {
    await using guessed = await startDashboard({ redisUrl, databaseUrl });
    const authorization = basic(USER, "wrong");
    for (let n = 0; n < 10; n++) await fetch(`${guessed.url}/`, { headers: { authorization } });
    for (const operation of checker.operations) {
      const { method, path } = pathOf(operation);
      const url = `${guessed.url}${path}`;
      const response = await fetch(url, { method, headers: { authorization } });
      expect(await hold(operation, response)).toBe(429);
    }
  });

  test("while Postgres is away", async () => {
    await postgres.set("refuse");
    for (const operation of checker.operations) {
      const { method, path } = pathOf(operation);
      const query = path === "/api/recordings/retry" ? "?state=failed" : "";
      const needsNothing = /about|openapi/u.test(path);
      const response = await dashboard.get(`${path}${query}`, { method });
      expect(await hold(operation, response)).toBe(needsNothing ? 200 : 503);
    }
    await postgres.set("pass");
  });

  test("of a defect", async () => {
    const server = createServer(appOf(brokenCatalogue));
    const port = await listen(server, { host: "127.0.0.1", port: 0, portVariable: "PORT" });
    try {
      for (const operation of checker.operations) {
        const { method, path } = pathOf(operation);
        const query = path === "/api/recordings/retry" ? "?state=failed" : "";
        const response = await fetch(`http://127.0.0.1:${port}${path}${query}`, {
          method,
          headers: { authorization: basic(USER, PASSWORD) },
        });
        expect(await hold(operation, response)).toBe(/about|openapi/u.test(path) ? 200 : 500);
      }
    } finally {
      await closeServer(server);
    }
  });

  test("and no described answer was left out", () => {
    const described = [...checker.statuses].flatMap(([operation, statuses]) =>
      statuses.map((status) => `${operation} ${status}`),
    );
    const unseen = described.filter((one) => !seen.has(one));
    // Common errors that these two cannot have: they ask nobody.
    expect(unseen.filter((one) => !/(?:about|openapi\.json) 50[03]$/u.test(one))).toEqual([]);
  });
});

const broken = (): Promise<never> => Promise.reject(new TypeError("a defect"));
const brokenCatalogue = {
  listRecordings: broken,
  getRecording: broken,
  getPlayable: broken,
  requestRetry: broken,
  requestRetries: broken,
  listCallbacks: broken,
  getCallback: broken,
  count: broken,
  overview: broken,
};

function appOf(catalogue: typeof brokenCatalogue): ReturnType<typeof createDashboardApp> {
  return createDashboardApp({
    catalogue,
    queueCounter: { count: broken },
    queueReader: { read: broken },
    mediaQueue: { enqueue: broken, enqueueAll: broken },
    board: (_request, _response, next) => next(),
    about: { version: "0.0.0", playsStoredCopies: false, playsProviderUrls: false },
    serveCopy: broken,
    providerHosts: parseProviderHosts("*.myqcloud.com"),
    pagesFolder: "/no-pages",
    credentials: { user: USER, password: PASSWORD },
    trustProxyHops: 0,
    throttle: createGuessThrottle({ nowMs: Date.now, burst: 10, refillMs: 1000, maxAddresses: 10 }),
    registry: createRegistry("test"),
    logger: createLogger({ app: "test", level: "silent", destination: createLogSink().stream }),
  });
}
