import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createTestDatabase } from "@reelgate/testkit/postgres";
import { startTestRedis } from "@reelgate/testkit/redis-server";
import { startDashboard } from "./running-dashboard.ts";
import type { RunningDashboard } from "./running-dashboard.ts";

const PAGE = '<!doctype html><title>built</title><script src="/assets/app-1a2b.js"></script>';
const stack = new AsyncDisposableStack();
let built: RunningDashboard;
let unbuilt: RunningDashboard;

beforeAll(async () => {
  const outer = await mkdtemp(join(tmpdir(), "reelgate-pages-"));
  stack.defer(() => rm(outer, { recursive: true }));
  const folder = join(outer, "public");
  await mkdir(join(folder, "assets"), { recursive: true });
  await writeFile(join(outer, "secret.txt"), "outside of the pages");
  await writeFile(join(folder, "index.html"), PAGE);
  await writeFile(join(folder, "icon.svg"), "<svg/>");
  await writeFile(join(folder, ".hidden"), "hidden");
  await writeFile(join(folder, "assets", "app-1a2b.js"), "export {};");
  const database = stack.use(await createTestDatabase());
  const redis = stack.use(await startTestRedis());
  const urls = { redisUrl: redis.url, databaseUrl: database.url };
  built = stack.use(await startDashboard({ ...urls, pagesFolder: folder }));
  unbuilt = stack.use(await startDashboard(urls));
});
afterAll(async () => await stack.disposeAsync());

const browser = { accept: "text/html,application/xhtml+xml,*/*;q=0.8" };

describe("built pages", () => {
  test.each([
    "/",
    "/recordings",
    "/recordings/17",
    "/streams/a%2Fb/x",
    "/callbacks?outcome=invalid",
    "/overview",
    "/apis",
  ])("a browser gets the one document at %s, which nobody keeps", async (path) => {
    const response = await built.get(path, { headers: browser });
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(await response.text()).toBe(PAGE);
  });

  test("HEAD tells the same without the document", async () => {
    const response = await built.get("/recordings", { headers: browser, method: "HEAD" });
    expect(response.status).toBe(200);
    expect(await response.text()).toBe("");
  });

  test.each([
    ["/recordings", {}],
    ["/recordings", { accept: "application/json" }],
    ["/api", browser],
    ["/api/unknown", browser],
    ["/assets/app-0000.js", browser],
    ["/assets/", browser],
    ["/assets", browser],
    ["/.hidden", {}],
    ["/assets/..%2f..%2fsecret.txt", {}],
    ["/..%2fsecret.txt", {}],
    ["/favicon.ico", { accept: "image/*" }],
  ])("%s, asked with %o, is 404 in JSON", async (path, headers: Record<string, string>) => {
    expect(await built.json(path, { headers })).toMatchObject({
      status: 404,
      body: { code: 404, error: "not_found" },
    });
  });

  test("no page is changed by anything", async () => {
    for (const [path, status] of [
      ["/", 405],
      ["/recordings", 404],
      ["/assets/app-1a2b.js", 404],
    ] as const) {
      const response = await built.get(path, { headers: browser, method: "POST" });
      expect(response.status).toBe(status);
    }
  });

  test("files with hashes in their names may be kept by the browser that has the password", async () => {
    const script = await built.get("/assets/app-1a2b.js");
    expect(script.status).toBe(200);
    expect(script.headers.get("content-type")).toBe("text/javascript; charset=utf-8");
    expect(script.headers.get("cache-control")).toBe("private, max-age=31536000, immutable");
    const icon = await built.get("/icon.svg");
    expect(icon.status).toBe(200);
    expect(icon.headers.get("cache-control")).toBe("no-store");
  });

  test("run no script and load nothing but what is the dashboard's", async () => {
    const { headers } = await built.get("/", { headers: browser });
    expect(headers.get("content-security-policy")).toBe(
      [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "media-src 'self' blob:",
        "connect-src 'self'",
        "worker-src 'none'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "form-action 'none'",
        "object-src 'none'",
      ].join("; "),
    );
  });

  test.each(["/", "/recordings", "/assets/app-1a2b.js", "/assets/none.js", "/icon.svg", "/x"])(
    "without the password %s is 401",
    async (path) => {
      for (const method of ["GET", "HEAD", "POST", "OPTIONS"]) {
        const response = await fetch(`${built.url}${path}`, { headers: browser, method });
        expect(response.status).toBe(401);
      }
    },
  );
});

describe("without a build", () => {
  test("a plain page says so, and what to do", async () => {
    const page = await (await unbuilt.get("/", { headers: browser })).text();
    expect(page).toContain("npm run build");
    expect(page).not.toContain("<script");
  });

  test("no other path is a page", async () => {
    expect(await unbuilt.json("/recordings", { headers: browser })).toMatchObject({ status: 404 });
    expect(await unbuilt.json("/assets/app-1a2b.js")).toMatchObject({ status: 404 });
  });
});
