import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { appRoutes } from "@bull-board/api/dist/routes.js";
import { Queue, Worker } from "bullmq";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { CatalogueDatabase } from "@reelgate/catalogue/database";
import { recordMediaFailure } from "@reelgate/catalogue/media-state";
import { QUEUES, QUEUE_PREFIX } from "@reelgate/shared/contract/jobs";
import { createTestDatabase } from "@reelgate/testkit/postgres";
import { until } from "@reelgate/testkit/latch";
import { startTestRedis } from "@reelgate/testkit/redis-server";
import { MAX_ANSWER_BYTES } from "../src/redact-board-answer.ts";
import { openCatalogue } from "./open-catalogue.ts";
import { PASSWORD, startDashboard } from "./running-dashboard.ts";
import type { RunningDashboard } from "./running-dashboard.ts";
import { SECRETS, eventBody, seed } from "./seed.ts";

const stack = new AsyncDisposableStack();
let dashboard: RunningDashboard;
let db: CatalogueDatabase;
let recordingId: string;
let root: string;
let redisUrl: string;
const jobIds: string[] = [];

const SIGNED_URL = `http://host.test/file.mp4?sign=${SECRETS.urlSignature}`;
const EXTENSION = JSON.stringify({
  session_id: "visible",
  secret_key: SECRETS.sign,
  decrypt: { key: SECRETS.extKey, keys: [{ access_key: SECRETS.extKey }] },
  push_path: `/live/room?txSecret=${SECRETS.pathSecret}&txTime=65A0`,
  stream: `live/room?auth_key=${SECRETS.pathSecret}`,
  back: `https%3A%2F%2Fhost.test%2Fa%3Fsign%3D${SECRETS.encoded}`,
  nested: JSON.stringify({ url: SIGNED_URL, token: SECRETS.extKey }),
});
const BODY = JSON.stringify(eventBody({ callback_ext: EXTENSION }));

/** Jobs in each state that a board shows, with secrets in every field that a job has. */
beforeAll(async () => {
  const database = stack.use(await createTestDatabase());
  const redis = stack.use(await startTestRedis());
  db = openCatalogue(stack, database.url);
  redisUrl = redis.url;
  const { hostname: host, port, password } = new URL(redis.url);
  const connection = { host, port: Number(port), password };
  const queue = stack.adopt(
    new Queue<unknown, unknown, string>(QUEUES.callbacks, { prefix: QUEUE_PREFIX, connection }),
    async (open) => await open.close(),
  );
  const callbackJob = {
    body: BODY,
    receivedAtMs: 1,
    requestId: "r",
    remoteAddress: null,
    keyIndex: 0,
  };
  for (const name of ["completed", "failed"]) {
    const added = await queue.add(name, callbackJob, { jobId: `cb-${name}`, attempts: 1 });
    await added.log(`fetching ${SIGNED_URL} of ${BODY}`);
    await added.updateProgress({ at: SIGNED_URL, sign: SECRETS.sign });
    jobIds.push(`cb-${name}`);
  }
  const worker = new Worker<unknown, unknown, string>(
    QUEUES.callbacks,
    async (taken) => {
      await Promise.resolve();
      if (taken.name === "failed") {
        throw new Error(
          `cannot fetch ${SIGNED_URL}: stream_param was txSecret=${SECRETS.txSecret}`,
        );
      }
      return { url: SIGNED_URL, sign: SECRETS.sign, body: BODY };
    },
    { prefix: QUEUE_PREFIX, connection: { ...connection, maxRetriesPerRequest: null } },
  );
  await until(async () => {
    const counts = await queue.getJobCounts("completed", "failed");
    return counts["completed"] === 1 && counts["failed"] === 1;
  });
  await worker.close();
  await queue.add("waiting", callbackJob, { jobId: "cb-waiting" });
  await queue.add("delayed", callbackJob, { jobId: "cb-delayed", delay: 3_600_000 });
  await queue.add(
    "text",
    { ...callbackJob, body: `not JSON, sign is ${SECRETS.sign}` },
    { jobId: "cb-text" },
  );
  jobIds.push("cb-waiting", "cb-delayed", "cb-text");

  const settled = await seed(db, { body: JSON.parse(BODY) as Record<string, unknown> });
  recordingId = settled.recordingId ?? "";
  await seed(db, {
    body: eventBody({
      video_url: `http://1250000000.vod2.myqcloud.com/other.m3u8?sign=${SECRETS.urlSignature}2`,
    }),
  });
  await seed(db, { body: eventBody({ file_size: -1 }) });
  // A look that failed and quotes what it was about, and findings that do.
  const job = { recordingId, generation: 0 };
  await recordMediaFailure(db, job, {
    code: "media_http_error",
    message: `the origin answered 400 to ${SIGNED_URL}`,
    attempts: 1,
    final: true,
    report: null,
  });
  root = await mkdtemp(join(tmpdir(), "reelgate-secrets-"));
  stack.defer(() => rm(root, { recursive: true }));
  dashboard = stack.use(
    await startDashboard({
      redisUrl: redis.url,
      databaseUrl: database.url,
      env: { STORAGE_URL: pathToFileURL(root).href, STORAGE_SECRET_ACCESS_KEY: "" },
    }),
  );
});
afterAll(async () => await stack.disposeAsync());

function expectNoSecret(text: string): void {
  for (const secret of Object.values(SECRETS)) expect(text).not.toContain(secret);
}

describe("G6: nothing secret in a page", () => {
  test("of Bull Board, whichever route answers", async () => {
    const paths = appRoutes.api
      .filter((route) => route.method === "get")
      .flatMap((route) => [route.route].flat())
      .flatMap((route) => jobIds.map((id) => route.replace(":jobId", id)))
      .map((route) => `/queues${route.replace(":queueName", QUEUES.callbacks)}`);
    const lists = ["latest", "waiting", "delayed", "failed", "completed"].map(
      (status) =>
        `/queues/api/queues?activeQueue=${QUEUES.callbacks}&status=${status}&jobsPerPage=999999`,
    );
    let shown = "";
    for (const path of new Set([...paths, ...lists])) {
      const response = await dashboard.get(path);
      const text = await response.text();
      expectNoSecret(text);
      expect(response.status, `${path}: ${text}`).toBeOneOf([200, 403]);
      shown += text;
    }
    // The answers were those about the jobs, and what is no secret is there.
    for (const id of jobIds) expect(shown).toContain(id);
    for (const visible of [
      "stream-1",
      "cannot fetch http://host.test/file.mp4",
      "fetching http",
      "visible",
    ]) {
      expect(shown).toContain(visible);
    }
  });

  test("of the board's HTML", async () => {
    for (const path of [
      "/queues",
      "/queues/queue/callbacks",
      "/queues/queue/callbacks/cb-failed",
    ]) {
      expectNoSecret(await (await dashboard.get(path)).text());
    }
  });

  test("of the API, whatever it is asked for and whatever it answers", async () => {
    const { body } = await dashboard.json("/api/openapi.json");
    const { paths } = body as { paths: Record<string, Record<string, unknown>> };
    const templates = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => ({ method: method.toUpperCase(), path })),
    );
    const { items } = (await dashboard.json("/api/callbacks?outcome=recorded")).body as {
      items: { id: string }[];
    };
    const filled = templates.map(({ method, path }) => ({
      method,
      path: path
        .replace("{id}", path.includes("callbacks") ? (items[0]?.id ?? "") : recordingId)
        .replace("{file}", "index.m3u8"),
    }));
    const lists = [
      "/api/callbacks?outcome=conflict",
      "/api/callbacks?outcome=invalid",
      `/api/callbacks?recording_id=${recordingId}`,
      "/api/recordings?state=failed",
      "/api/recordings?finding=any",
      `/api/recordings?q=${SECRETS.sign.slice(0, 8)}`,
      "/api/overview?minutes=1440",
    ].map((path) => ({ method: "GET", path }));
    const changing = ["/api/recordings/retry?all=true", "/api/recordings/retry?q=none"].map(
      (path) => ({ method: "POST", path }),
    );
    let shown = "";
    for (const { method, path } of [...lists, ...filled, ...changing]) {
      const response = await dashboard.get(path, { method });
      const text = await response.text();
      expectNoSecret(text);
      for (const value of response.headers.values()) expectNoSecret(value);
      expect({ path, isFailure: response.status >= 500 }).toEqual({ path, isFailure: false });
      shown += text;
    }
    expect(filled.length).toBeGreaterThan(12);
    expect(shown).toContain("txSecret=[redacted]");
    expect(shown).toContain("visible");
    expect(shown).toContain("the origin answered 400 to http://host.test/file.mp4");
  });

  test("of the pages", async () => {
    for (const path of ["/", `/recordings/${recordingId}`, "/overview", "/unknown"]) {
      const response = await dashboard.get(path, { headers: { accept: "text/html" } });
      expectNoSecret(await response.text());
    }
  });

  test("of the metrics and the log", async () => {
    const metrics = await (await fetch(`${dashboard.opsUrl}/metrics`)).text();
    for (const text of [metrics, dashboard.log.text()]) {
      expectNoSecret(text);
      expect(text).not.toContain(PASSWORD);
    }
  });
});

test("a callback_ext that nests beyond what JSON can be written breaks no page", async () => {
  const deep = `${"[".repeat(8000)}${"]".repeat(8000)}`;
  const { recordingId: id } = await seed(db, {
    body: eventBody({ file_id: "deep", record_file_id: "deep", callback_ext: deep }),
  });
  expect(await dashboard.json(`/api/recordings/${id}`)).toMatchObject({
    status: 200,
    body: { callbackExt: null },
  });
  expect(await dashboard.json("/api/recordings")).toMatchObject({ status: 200 });
  expect(await dashboard.json("/api/callbacks")).toMatchObject({ status: 200 });
});

describe("Bull Board is there to look at", () => {
  test("both queues are shown, read-only, without a list of clients", async () => {
    const { body } = await dashboard.json("/queues/api/queues");
    expect(body).toMatchObject({
      queues: [
        { name: QUEUES.callbacks, readOnlyMode: true, allowRetries: false, hasWorkers: null },
        { name: QUEUES.media, readOnlyMode: true, allowRetries: false, hasWorkers: null },
      ],
    });
    expect((await dashboard.get("/queues/api/queues/callbacks/workers")).status).toBe(403);
  });

  test("a page of jobs is bounded", async () => {
    const { body } = await dashboard.json(
      "/queues/api/queues?activeQueue=callbacks&status=waiting&jobsPerPage=1000000",
    );
    expect(body).toMatchObject({ queues: [{ pagination: { range: { start: 0, end: 49 } } }, {}] });
  });

  test("what is wrong is told", async () => {
    for (const [path, status, key] of [
      ["/queues/api/queues/nope/x", 404, "ERRORS.QUEUE_NOT_FOUND"],
      [`/queues/api/queues/${QUEUES.callbacks}/nope`, 404, "ERRORS.JOB_NOT_FOUND"],
      ["/queues/api/queues?status=nope", 400, "ERRORS.INVALID_QUERY_PARAM"],
    ] as const) {
      expect(await dashboard.json(path)).toEqual({ status, body: { error: { key } } });
    }
  });

  test("a list of large jobs is bounded, and says what is left out", async () => {
    const { hostname: host, port, password } = new URL(redisUrl);
    await using opened = new AsyncDisposableStack();
    const queue = opened.adopt(
      new Queue<unknown, unknown, string>(QUEUES.media, {
        prefix: QUEUE_PREFIX,
        connection: { host, port: Number(port), password },
      }),
      async (open) => await open.close(),
    );
    const body = JSON.stringify({ sign: SECRETS.sign, note: "key".repeat(20_000) });
    const bulk = Array.from({ length: 50 }, (_, n) => ({
      name: "large",
      data: { body, requestId: `request-${n}` },
      opts: { jobId: `large-${n}` },
    }));
    await queue.addBulk(bulk);
    const list = `/queues/api/queues?activeQueue=${QUEUES.media}&status=waiting&jobsPerPage=50`;
    const text = await (await dashboard.get(list)).text();
    expectNoSecret(text);
    expect(text.length).toBeLessThan(MAX_ANSWER_BYTES + 100_000);
    for (const { data } of bulk) expect(text).toContain(data.requestId);
    expect(text).toContain('"body":"left out');
    const { body: alone } = await dashboard.json(`/queues/api/queues/${QUEUES.media}/large-0`);
    expect(JSON.stringify(alone)).toContain("key".repeat(20_000));
    await queue.obliterate({ force: true });
  });

  test("no route of the board changes anything", async () => {
    const before = await dashboard.json("/queues/api/queues?activeQueue=callbacks&status=latest");
    for (const route of appRoutes.api) {
      for (const method of [route.method].flat().filter((name) => name !== "get")) {
        for (const path of [route.route].flat()) {
          const url = `/queues${path.replace(":queueName", QUEUES.callbacks).replace(":jobId", "cb-failed").replace(":queueStatus", "failed")}`;
          const response = await dashboard.get(url, {
            method: method.toUpperCase(),
            headers: { "content-type": "application/json" },
            body: "{}",
          });
          expect(response.status, `${method} ${url}`).toBe(405);
        }
      }
    }
    const after = await dashboard.json("/queues/api/queues?activeQueue=callbacks&status=latest");
    expect(after).toEqual(before);
  });
});
