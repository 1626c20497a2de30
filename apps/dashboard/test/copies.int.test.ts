import { once } from "node:events";
import { request } from "node:http";
import { mkdir, mkdtemp, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { CatalogueDatabase } from "@reelgate/catalogue/database";
import { recordMediaReport } from "@reelgate/catalogue/media-state";
import type { MediaReport } from "@reelgate/shared/contract/media";
import { until } from "@reelgate/testkit/latch";
import { createTestDatabase } from "@reelgate/testkit/postgres";
import { startTestRedis } from "@reelgate/testkit/redis-server";
import { openCatalogue } from "./open-catalogue.ts";
import { PASSWORD, USER, basic, startDashboard } from "./running-dashboard.ts";
import type { RunningDashboard } from "./running-dashboard.ts";
import { eventBody, seed } from "./seed.ts";

const stack = new AsyncDisposableStack();
let dashboard: RunningDashboard;
let db: CatalogueDatabase;
let root: string;
let urls: { redisUrl: string; databaseUrl: string };
const ids: Record<string, string> = {};

const REPORT: MediaReport = {
  media: {
    container: "mp4",
    durationS: 60,
    durationIsExact: true,
    sizeBytes: 1000,
    bitrateKbps: null,
    video: null,
    audio: null,
    hls: null,
  },
  findings: [],
};
/** Every byte tells its place. */
const MOVIE = Buffer.from(Array.from({ length: 1000 }, (_, n) => n % 251));
const BIG_BYTES = 64 * 1_048_576;

async function stored(name: string, url: string): Promise<void> {
  const { recordingId } = await seed(db, { body: eventBody({ file_id: name }) });
  ids[name] = recordingId ?? "";
  await recordMediaReport(db, { recordingId: recordingId ?? "", generation: 0 }, REPORT, {
    url,
    sizeBytes: 1000,
    sha256: "0".repeat(64),
    files: 1,
  });
}

const urlOf = (name: string): string => pathToFileURL(join(root, name)).href;

async function keep(name: string, bytes: Uint8Array | string): Promise<string> {
  await mkdir(dirname(join(root, name)), { recursive: true });
  await writeFile(join(root, name), bytes);
  return urlOf(name);
}

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), "reelgate-copies-"));
  stack.defer(() => rm(folder, { recursive: true }));
  root = join(folder, "storage");
  const database = stack.use(await createTestDatabase());
  const redis = stack.use(await startTestRedis());
  db = openCatalogue(stack, database.url);
  urls = { redisUrl: redis.url, databaseUrl: database.url };

  await stored("movie", await keep("app/live/röom/2026-a.mp4", MOVIE));
  await stored("big", await keep("app/live/room/big.flv", Buffer.alloc(BIG_BYTES, 7)));
  await stored("empty", await keep("app/live/room/empty.aac", ""));
  await keep("app/live/room/hls/00000.ts", "segment");
  await keep("app/live/room/hls/key-0.key", "0123456789abcdef");
  await keep("app/live/room/hls/sub/deep.ts", "deep");
  await keep("app/live/room/hls/.hidden", "hidden");
  await stored("hls", await keep("app/live/room/hls/index.m3u8", "#EXTM3U"));
  await keep("app/live/room/other.mp4", "another recording");
  await stored("gone", urlOf("app/live/room/gone.mp4"));
  await writeFile(join(folder, "outside.mp4"), "outside");
  await stored("outside", pathToFileURL(join(folder, "outside.mp4")).href);
  await stored("sibling", pathToFileURL(join(folder, "storage2", "a.mp4")).href);
  await stored("dots", `${pathToFileURL(root).href}/app/../../outside.mp4`);
  await stored("encoded", `${pathToFileURL(root).href}/app/%2e%2e/%2e%2e/outside.mp4`);
  await stored("s3", "s3://bucket/app/a.mp4");
  await stored("text", "not a URL");
  await symlink(join(folder, "outside.mp4"), join(root, "link.mp4"));
  await stored("link", urlOf("link.mp4"));
  await symlink(folder, join(root, "linked"));
  await stored("linked", urlOf("linked/outside.mp4"));
  await symlink(join(folder, "outside.mp4"), join(root, "app/live/room/hls/00001.ts"));
  await stored("folder", urlOf("app/live"));
  const { recordingId } = await seed(db, { body: eventBody({ file_id: "none" }) });
  ids["none"] = recordingId ?? "";

  dashboard = stack.use(
    await startDashboard({ ...urls, env: { STORAGE_URL: pathToFileURL(root).href } }),
  );
});
afterAll(async () => await stack.disposeAsync());

const copy = async (
  name: string,
  headers: Record<string, string> = {},
  method = "GET",
  rest = "",
): Promise<Response> =>
  await dashboard.get(`/api/recordings/${ids[name]}/copy${rest}`, { method, headers });

describe("a stored copy", () => {
  test("comes whole, with what a player needs to know", async () => {
    const response = await copy("movie");
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "content-type": "video/mp4",
      "content-length": "1000",
      "accept-ranges": "bytes",
      "content-disposition": 'inline; filename="2026-a.mp4"',
      "cache-control": "no-store",
      etag: expect.stringMatching(/^"[^"]+"$/u) as string,
    });
    expect(Buffer.from(await response.arrayBuffer())).toEqual(MOVIE);
  });

  test.each([
    ["bytes=0-99", 0, 99],
    ["bytes=990-", 990, 999],
    ["bytes=-10", 990, 999],
    ["bytes=500-5000", 500, 999],
    ["bytes=0-0", 0, 0],
  ])("%s is 206 with those bytes", async (range, first, last) => {
    const response = await copy("movie", { range });
    expect(response.status).toBe(206);
    expect(response.headers.get("content-range")).toBe(`bytes ${first}-${last}/1000`);
    expect(response.headers.get("content-length")).toBe(String(last - first + 1));
    expect(Buffer.from(await response.arrayBuffer())).toEqual(MOVIE.subarray(first, last + 1));
  });

  test.each(["bytes=1000-", "bytes=-0"])("%s is 416 that tells the size", async (range) => {
    const response = await copy("movie", { range });
    expect(response.status).toBe(416);
    expect(response.headers.get("content-range")).toBe("bytes */1000");
    expect(response.headers.get("content-type")).toContain("application/json");
    expect(await response.json()).toMatchObject({ code: 416, error: "range_not_satisfiable" });
  });

  test.each(["bytes=0-1,5-6", "bytes=5-1", "items=0-1"])("%s is the whole", async (range) => {
    const response = await copy("movie", { range });
    expect(response.status).toBe(200);
    expect((await response.arrayBuffer()).byteLength).toBe(1000);
  });

  test("If-Range gives the part of the same version alone, and If-None-Match nothing of it", async () => {
    const { headers } = await copy("movie", {}, "HEAD");
    const etag = headers.get("etag") ?? "";
    const modified = headers.get("last-modified") ?? "";
    const range = "bytes=0-9";
    expect((await copy("movie", { range, "if-range": etag })).status).toBe(206);
    expect((await copy("movie", { range, "if-range": modified })).status).toBe(206);
    expect((await copy("movie", { range, "if-range": '"other"' })).status).toBe(200);
    // Without it, fetch asks that nothing be compared.
    const compared = { "cache-control": "max-age=0" };
    const same = await copy("movie", { "if-none-match": etag, ...compared });
    expect(same.status).toBe(304);
    expect(await same.text()).toBe("");
    expect((await copy("movie", { "if-none-match": '"other"', ...compared })).status).toBe(200);
  });

  test("If-Match and If-Unmodified-Since refuse another version, whatever else is asked", async () => {
    const { headers } = await copy("movie", {}, "HEAD");
    const etag = headers.get("etag") ?? "";
    const modified = headers.get("last-modified") ?? "";
    const before = new Date(Date.parse(modified) - 1000).toUTCString();
    const same: Record<string, string>[] = [
      { "if-match": etag },
      { "if-match": "*" },
      { "if-match": `"other", ${etag}` },
      { "if-unmodified-since": modified },
      { "if-unmodified-since": "not a date" },
      // If-Match goes first, and then the date is not looked at.
      { "if-match": etag, "if-unmodified-since": before },
    ];
    for (const condition of same) {
      expect({ condition, status: (await copy("movie", condition)).status }).toEqual({
        condition,
        status: 200,
      });
    }
    const other: Record<string, string>[] = [
      { "if-match": '"other"' },
      { "if-match": "" },
      // A weak tag does not say that the bytes are the same.
      { "if-match": `W/${etag}` },
      { "if-unmodified-since": before },
      { "if-match": '"other"', "if-unmodified-since": modified },
      { "if-match": '"other"', "if-none-match": etag, "cache-control": "max-age=0" },
      { "if-match": '"other"', range: "bytes=0-9" },
    ];
    for (const condition of other) {
      const refused = await copy("movie", condition);
      expect({ condition, status: refused.status }).toEqual({ condition, status: 412 });
      expect(await refused.json()).toMatchObject({ code: 412, error: "precondition_failed" });
      expect((await copy("movie", condition, "HEAD")).status).toBe(412);
    }
  });

  test("HEAD tells the same without a byte, and knows no range", async () => {
    const response = await copy("movie", { range: "bytes=0-9" }, "HEAD");
    expect(response.status).toBe(200);
    expect(response.headers.get("content-length")).toBe("1000");
    expect(await response.text()).toBe("");
  });

  test("that is empty is empty", async () => {
    const response = await copy("empty");
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("audio/aac");
    expect(await response.text()).toBe("");
    expect((await copy("empty", { range: "bytes=0-" })).status).toBe(416);
  });

  test("may be kept as a file", async () => {
    const response = await copy("movie", {}, "GET", "?download=1");
    expect(response.headers.get("content-disposition")).toBe('attachment; filename="2026-a.mp4"');
    expect((await copy("movie", {}, "GET", "?download=yes")).status).toBe(400);
  });

  test("of HLS leads to its playlist, beside which its files are", async () => {
    const response = await copy("hls");
    expect(response.status).toBe(302);
    const playlist = new URL(response.headers.get("location") ?? "", response.url);
    expect(playlist.pathname).toBe(`/api/recordings/${ids["hls"]}/copy/index.m3u8`);
    for (const [file, type, text] of [
      ["index.m3u8", "application/vnd.apple.mpegurl", "#EXTM3U"],
      ["00000.ts", "video/mp2t", "segment"],
      ["key-0.key", "application/octet-stream", "0123456789abcdef"],
    ] as const) {
      const found = await dashboard.get(new URL(file, playlist).pathname);
      expect(found.status).toBe(200);
      expect(found.headers.get("content-type")).toBe(type);
      expect(await found.text()).toBe(text);
    }
  });
});

describe("nothing but the recording's own copy", () => {
  test.each([
    "gone",
    "outside",
    "sibling",
    "dots",
    "encoded",
    "s3",
    "text",
    "link",
    "linked",
    "folder",
    "none",
  ])("%s is 404", async (name) => {
    for (const method of ["GET", "HEAD"]) {
      const response = await copy(name, {}, method);
      expect(response.status).toBe(404);
      expect(await response.text()).not.toContain("outside");
    }
    expect(await (await copy(name)).json()).toMatchObject({ error: "copy_not_found" });
  });

  test.each([
    "00001.ts",
    "00002.ts",
    ".hidden",
    "..",
    ".",
    "%2e%2e",
    "..%2fother.mp4",
    "..%2f..%2f..%2f..%2foutside.mp4",
    "sub%2fdeep.ts",
    "sub",
    "..%5cother.mp4",
    "%00",
    "00000.ts%00",
    "index.m3u8%2f",
    "%252e%252e%252fother.mp4",
    "a".repeat(1000),
  ])("a file of HLS called %s is 404", async (file) => {
    const status = await statusOf(`/api/recordings/${ids["hls"]}/copy/${file}`);
    expect(status).toBe(404);
  });

  test("a recording that is one file has no others", async () => {
    for (const file of ["other.mp4", "2026-a.mp4", "index.m3u8"]) {
      expect((await copy("movie", {}, "GET", `/${file}`)).status).toBe(404);
    }
  });

  test.each(["0", "999999", "x", "%00"])("of recording %s there is none", async (id) => {
    const answer = await dashboard.json(`/api/recordings/${id}/copy`);
    expect(answer).toMatchObject({ status: 404, body: { error: "recording_not_found" } });
  });

  test("without a storage there are no copies", async () => {
    await using without = await startDashboard(urls);
    expect(await without.json(`/api/recordings/${ids["movie"]}/copy`)).toMatchObject({
      status: 404,
      body: { error: "copy_not_found", message: expect.stringContaining("STORAGE_URL") as string },
    });
  });

  test("while the storage is away that is said, and no path of it", async () => {
    const away = join(root, "not-mounted");
    await stored("away", pathToFileURL(join(away, "a.mp4")).href);
    await using other = await startDashboard({
      ...urls,
      env: { STORAGE_URL: pathToFileURL(away).href },
    });
    const answer = await other.json(`/api/recordings/${ids["away"]}/copy`);
    expect(answer).toMatchObject({ status: 503, body: { error: "copy_unavailable" } });
    expect(JSON.stringify(answer)).not.toContain("not-mounted");
    expect(other.log.withMessage("a stored copy cannot be read")).toHaveLength(1);
  });
});

/** Sent as it is: `fetch` would normalise the path. */
async function statusOf(path: string): Promise<number> {
  const { port } = new URL(dashboard.url);
  const sent = request({
    host: "127.0.0.1",
    port,
    path,
    headers: { authorization: basic(USER, PASSWORD) },
  }).end();
  const [response] = (await once(sent, "response")) as [
    { statusCode?: number; resume: () => void },
  ];
  response.resume();
  return response.statusCode ?? 0;
}

describe("many and slow readers", () => {
  /** Asks for the big copy and takes no more than the first bytes of it. */
  async function openReader(): Promise<{ status: number; close: () => void }> {
    const { port } = new URL(dashboard.url);
    const path = `/api/recordings/${ids["big"]}/copy`;
    const headers = { authorization: basic(USER, PASSWORD) };
    const sent = request({ host: "127.0.0.1", port, path, headers, agent: false }).end();
    sent.on("error", () => {});
    const [response] = (await once(sent, "response")) as [
      { statusCode?: number; pause: () => void },
    ];
    response.pause();
    return { status: response.statusCode ?? 0, close: () => sent.destroy() };
  }

  test("are bounded, and who has gone holds nothing", async () => {
    const readers = await Promise.all(Array.from({ length: 64 }, openReader));
    expect(readers.map(({ status }) => status)).toEqual(Array.from({ length: 64 }, () => 200));
    // Nobody takes anything: 64 copies of 64 MB are not in memory.
    expect(process.memoryUsage().arrayBuffers).toBeLessThan(400 * 1_048_576);
    const refused = await copy("movie");
    expect(refused.status).toBe(503);
    expect(await refused.json()).toMatchObject({ error: "copy_unavailable" });
    for (const { close } of readers) close();
    await until(async () => (await copy("movie")).status === 200);
  });

  test("of a copy that became shorter are cut off, and that is logged", async () => {
    await stored("shrinking", await keep("app/live/room/shrinking.flv", Buffer.alloc(BIG_BYTES)));
    const response = await copy("shrinking");
    expect(response.headers.get("content-length")).toBe(String(BIG_BYTES));
    await truncate(join(root, "app/live/room/shrinking.flv"), 1000);
    await expect(response.arrayBuffer()).rejects.toThrow("terminated");
    const logged = dashboard.log.withMessage("a stored copy cannot be read");
    expect(logged).toHaveLength(1);
    expect(JSON.stringify(logged)).toContain(`of ${BIG_BYTES} bytes`);
  });

  test("do not keep the dashboard from stopping", async () => {
    const stopped = await startDashboard({
      ...urls,
      env: { STORAGE_URL: pathToFileURL(root).href },
    });
    const response = await stopped.get(`/api/recordings/${ids["big"]}/copy`);
    expect(response.status).toBe(200);
    const startedAt = performance.now();
    await stopped[Symbol.asyncDispose]();
    expect(performance.now() - startedAt).toBeLessThan(5000);
    await expect(response.arrayBuffer()).rejects.toThrow("terminated");
  });
});
