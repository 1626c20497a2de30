import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createTestDatabase } from "@reelgate/testkit/postgres";
import { startTestRedis } from "@reelgate/testkit/redis-server";
import type { TestRedis } from "@reelgate/testkit/redis-server";
import { until } from "@reelgate/testkit/latch";
import { PASSWORD, USER, basic, startDashboard } from "./running-dashboard.ts";
import type { RunningDashboard } from "./running-dashboard.ts";

const stack = new AsyncDisposableStack();
let dashboard: RunningDashboard;
let databaseUrl: string;
let redis: TestRedis;

beforeAll(async () => {
  const database = stack.use(await createTestDatabase());
  redis = stack.use(await startTestRedis());
  databaseUrl = database.url;
  dashboard = stack.use(await startDashboard({ redisUrl: redis.url, databaseUrl }));
});
afterAll(async () => await stack.disposeAsync());

const PATHS = [
  "/",
  "/favicon.ico",
  "/api/recordings",
  "/api/recordings/1",
  "/api/callbacks",
  "/api/stats",
  "/api/overview",
  "/api/about",
  "/api/openapi.json",
  "/api/recordings/retry",
  "/api/recordings/1/retry",
  "/api/recordings/1/copy",
  "/api/recordings/1/copy/index.m3u8",
  "/api/recordings/1/source",
  "/api/unknown",
  "/recordings/1",
  "/assets/app.js",
  "/queues",
  "/queues/",
  "/queues/queue/callbacks",
  "/queues/api/queues",
  "/queues/api/redis/stats",
  "/queues/static/favicon.ico",
  "/queues/static/images/logo.svg",
  "/QUEUES",
  "//queues",
  "/queues/../api/stats",
  "/%71ueues",
  "/healthz",
  "/metrics",
  "/unknown",
  "/%ff",
];

describe("without the password", () => {
  test.each(PATHS)("GET %s is 401", async (path) => {
    const response = await fetch(`${dashboard.url}${path}`);
    expect(response.status).toBe(401);
    expect(response.headers.get("www-authenticate")).toBe(
      'Basic realm="Reelgate", charset="UTF-8"',
    );
    expect(await response.json()).toEqual({
      code: 401,
      error: "unauthorized",
      message: "User or password is missing or wrong.",
    });
  });

  test.each(["HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"])(
    "%s of any path is 401",
    async (method) => {
      for (const path of [...PATHS, "/queues/api/queues/pause", "/api/recordings/retry?all=true"]) {
        const response = await fetch(`${dashboard.url}${path}`, { method });
        expect({ path, status: response.status }).toEqual({ path, status: 401 });
        await response.arrayBuffer();
      }
    },
  );

  test("a browser that wants a page, or a part of a copy, is asked for it like everybody", async () => {
    for (const headers of [{ accept: "text/html" }, { range: "bytes=0-1" }] as Record<
      string,
      string
    >[]) {
      for (const path of PATHS) {
        const response = await fetch(`${dashboard.url}${path}`, { headers });
        expect({ path, status: response.status }).toEqual({ path, status: 401 });
      }
    }
  });
});

test("with the password every path answers something else than 401", async () => {
  const answers = await Promise.all(
    PATHS.map(async (path) => ({ path, status: (await dashboard.get(path)).status })),
  );
  const found = answers.filter(({ status }) => status === 200).map(({ path }) => path);
  expect(found).toEqual([
    "/",
    "/api/recordings",
    "/api/callbacks",
    "/api/stats",
    "/api/overview",
    "/api/about",
    "/api/openapi.json",
    "/queues",
    "/queues/",
    "/queues/queue/callbacks",
    "/queues/api/queues",
    "/queues/api/redis/stats",
    "/queues/static/favicon.ico",
    "/queues/static/images/logo.svg",
    "/queues/../api/stats",
  ]);
  expect(answers.filter(({ status }) => status !== 200 && status !== 404)).toEqual([
    { path: "/api/recordings/retry", status: 405 },
    { path: "/api/recordings/1/retry", status: 405 },
    { path: "/api/recordings/1/source", status: 403 },
  ]);
});

describe("guessing the password", () => {
  test("is slowed after ten wrong attempts, and then not even the right one is looked at", async () => {
    await using own = await startDashboard({ redisUrl: redis.url, databaseUrl });
    const attempt = async (authorization: string): Promise<Response> =>
      await fetch(`${own.url}/api/stats`, { headers: { authorization } });
    const wrong = [
      basic(USER, "wrong password"),
      basic("root", PASSWORD),
      basic(USER, ""),
      basic("", PASSWORD),
      basic(USER, `${PASSWORD} `),
      basic(USER, PASSWORD.slice(0, -1)),
      "Basic",
      "Bearer abc",
      `Basic ${"A".repeat(5000)}`,
      "Digest username=admin",
    ];
    for (const authorization of wrong) expect((await attempt(authorization)).status).toBe(401);
    const refused = await attempt(basic(USER, PASSWORD));
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(await refused.json()).toMatchObject({ code: 429, error: "too_many_attempts" });
    // Whoever has not tried yet is asked for the password as before.
    expect((await fetch(`${own.url}/`)).status).toBe(401);
    expect(own.log.withMessage("a login was refused")).toHaveLength(10);
    const metrics = await (await fetch(`${own.opsUrl}/metrics`)).text();
    expect(metrics).toContain(
      'reelgate_dashboard_refused_logins_total{reason="wrong",app="dashboard"} 10',
    );
    expect(metrics).toContain(
      'reelgate_dashboard_refused_logins_total{reason="throttled",app="dashboard"} 1',
    );
    for (const secret of [
      PASSWORD,
      "wrong password",
      Buffer.from(`${USER}:${PASSWORD}`).toString("base64"),
    ]) {
      expect(own.log.text()).not.toContain(secret);
    }
  });
});

describe("who shares an address with a guesser", () => {
  const RIGHT = { authorization: basic(USER, PASSWORD) };
  const WRONG = { authorization: basic(USER, "wrong password") };
  const start = (env: Record<string, string> = {}): Promise<RunningDashboard> =>
    startDashboard({ redisUrl: redis.url, databaseUrl, env });
  const statusOf = async (
    { url }: RunningDashboard,
    headers: Record<string, string>,
  ): Promise<number> => (await fetch(`${url}/api/about`, { headers })).status;
  const guess = async (own: RunningDashboard, headers: Record<string, string>): Promise<void> => {
    for (let n = 0; n < 10; n += 1) expect(await statusOf(own, headers)).toBe(401);
  };

  test("is not locked out after a login, and yet may not guess without end", async () => {
    await using own = await start();
    const login = await fetch(`${own.url}/api/about`, { headers: RIGHT });
    const setCookie = login.headers.get("set-cookie") ?? "";
    expect(setCookie).toMatch(/^\w+=[0-9a-f.]+; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Lax$/u);
    const [cookie = ""] = setCookie.split(";");
    // Who is known is not given another mark.
    const again = await fetch(`${own.url}/api/about`, { headers: { ...RIGHT, cookie } });
    expect(again.headers.get("set-cookie")).toBeNull();

    const refused = await fetch(`${own.url}/api/about`, { headers: WRONG });
    expect(refused.headers.get("set-cookie")).toBeNull();
    for (let n = 0; n < 9; n += 1) expect(await statusOf(own, WRONG)).toBe(401);
    // A guesser who finds the right password among many is not told, although it was right before.
    expect(await statusOf(own, RIGHT)).toBe(429);
    expect(await statusOf(own, { ...RIGHT, cookie })).toBe(200);
    expect(await statusOf(own, { ...RIGHT, cookie: `theme=dark; ${cookie}; a=b` })).toBe(200);
    const forged = cookie.replace(/.$/u, (last) => (last === "0" ? "1" : "0"));
    for (const other of [forged, `x${cookie}`, `${cookie}0`, cookie.slice(0, -1)]) {
      expect(await statusOf(own, { ...RIGHT, cookie: other })).toBe(429);
    }
    expect(await statusOf(own, { cookie })).toBe(401);

    await guess(own, { ...WRONG, cookie });
    expect(await statusOf(own, { ...RIGHT, cookie })).toBe(429);
  });

  test("is told apart by what the trusted proxies say", async () => {
    await using own = await start({ DASHBOARD_TRUST_PROXY: "1" });
    // What the client itself claims stands before what the proxy adds.
    await guess(own, { ...WRONG, "x-forwarded-for": "203.0.113.9, 203.0.113.5" });
    expect(await statusOf(own, { ...RIGHT, "x-forwarded-for": "203.0.113.5" })).toBe(429);
    expect(await statusOf(own, { ...RIGHT, "x-forwarded-for": "203.0.113.9" })).toBe(200);
    expect(own.log.withMessage("a login was refused")[0]).toMatchObject({ address: "203.0.113.5" });
    // What is no address is not believed.
    await guess(own, { ...WRONG, "x-forwarded-for": "unknown" });
    expect(await statusOf(own, RIGHT)).toBe(429);
  });

  test("is not told apart by what it says itself", async () => {
    await using own = await start();
    for (let n = 0; n < 10; n += 1) {
      expect(await statusOf(own, { ...WRONG, "x-forwarded-for": `203.0.113.${n}` })).toBe(401);
    }
    expect(await statusOf(own, { ...RIGHT, "x-forwarded-for": "203.0.113.99" })).toBe(429);
  });
});

describe("a request from another origin", () => {
  const CHANGING = [
    ["POST", "/api/recordings/1/retry"],
    ["POST", "/api/recordings/retry?state=failed"],
    ["POST", "/api/recordings/retry?all=true"],
    ["POST", "/queues/api/queues/callbacks/add"],
    ["PUT", "/queues/api/queues/pause"],
    ["PUT", "/queues/api/queues/callbacks/obliterate"],
    ["DELETE", "/unknown"],
    ["POST", "/"],
  ] as const;

  test.each(CHANGING)("%s %s is 403, whichever header says so", async (method, path) => {
    for (const headers of [
      { origin: "http://evil.test" },
      { origin: "null" },
      { referer: "http://evil.test/page" },
      { "sec-fetch-site": "cross-site" },
      { "sec-fetch-site": "same-site", origin: dashboard.url },
    ] as Record<string, string>[]) {
      const { status, body } = await dashboard.json(path, { method, headers });
      expect({ status, body }).toMatchObject({
        status: 403,
        body: { code: 403, error: "cross_origin" },
      });
    }
  });

  test.each(CHANGING)("%s %s is not 403 from this origin", async (method, path) => {
    for (const headers of [
      {},
      { origin: dashboard.url },
      {
        origin: dashboard.url,
        "sec-fetch-site": "same-origin",
        referer: `${dashboard.url}/queues`,
      },
    ] as Record<string, string>[]) {
      const response = await dashboard.get(path, { method, headers });
      // Of an empty catalogue none is retried, which is accepted.
      expect(path.includes("retry?") ? [202] : [404, 405]).toContain(response.status);
    }
  });

  test("may look, and is not told by CORS that it may read", async () => {
    const response = await dashboard.get("/api/stats", { headers: { origin: "http://evil.test" } });
    expect(response.status).toBe(200);
    expect(response.headers.get("access-control-allow-origin")).toBeNull();
    expect(response.headers.get("cross-origin-resource-policy")).toBe("same-origin");
  });

  test("without the password is asked for it first", async () => {
    const response = await fetch(`${dashboard.url}/api/recordings/1/retry`, {
      method: "POST",
      headers: { origin: "http://evil.test" },
    });
    expect(response.status).toBe(401);
  });
});

describe("security headers", () => {
  test.each([
    "/",
    "/api/stats",
    "/queues",
    "/queues/api/queues",
    "/queues/static/favicon.ico",
    "/unknown",
  ])("%s has them, refused or not", async (path) => {
    for (const response of [await dashboard.get(path), await fetch(`${dashboard.url}${path}`)]) {
      const policy = response.headers.get("content-security-policy");
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(response.headers.get("x-content-type-options")).toBe("nosniff");
      expect(response.headers.get("x-frame-options")).toBe("DENY");
      expect(response.headers.get("referrer-policy")).toBe("same-origin");
      expect(response.headers.get("x-powered-by")).toBeNull();
    }
  });

  test("nothing but the board's own files may be kept by a browser", async () => {
    for (const path of ["/", "/api/stats", "/queues", "/queues/api/queues"]) {
      const response = await dashboard.get(path);
      expect(response.headers.get("cache-control")).toBe("no-store");
    }
    const asset = await dashboard.get("/queues/static/images/logo.svg");
    expect(asset.headers.get("cache-control")).not.toBe("no-store");
  });

  test("the page's own style is allowed by its hash", async () => {
    const response = await dashboard.get("/");
    expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8");
    const page = await response.text();
    const style = /<style>([^<]*)<\/style>/u.exec(page)?.[1] ?? "";
    const digest = await crypto.subtle.digest("SHA-256", Buffer.from(style));
    expect(response.headers.get("content-security-policy")).toContain(
      `style-src 'self' 'sha256-${Buffer.from(digest).toString("base64")}'`,
    );
    expect(page).not.toContain("<script");
  });
});

/** Sends a request as it stands; `fetch` would normalise its target. */
async function sendRaw(target: string, authorization: string | null): Promise<string> {
  const socket = connect(Number(new URL(dashboard.url).port), "127.0.0.1");
  const password = authorization === null ? "" : `Authorization: ${authorization}\r\n`;
  socket.write(`GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${password}\r\n`);
  return await text(socket);
}

describe("a request target that is no path", () => {
  test.each([
    "http://[/api/stats",
    "http://h:99999/api/stats",
    "http://127.0.0.1/api/stats",
    "//[/api/stats",
    "//h:99999/api/stats",
    "*",
  ])("%s is 400 in JSON, with the password and without", async (target) => {
    for (const authorization of [null, basic(USER, PASSWORD)]) {
      const answer = await sendRaw(target, authorization);
      expect(answer).toMatch(/^HTTP\/1\.1 400 /u);
      expect(answer).toContain('"error":"invalid_target"');
      expect(answer).toMatch(/^content-security-policy: default-src 'none'/imu);
      expect(answer).toMatch(/^x-content-type-options: nosniff/imu);
      expect(answer).toMatch(/^cache-control: no-store/imu);
    }
    expect(dashboard.log.withMessage("a request failed")).toEqual([]);
  });

  test("is counted like any other request", async () => {
    await sendRaw("http://[/", null);
    const metrics = await (await fetch(`${dashboard.opsUrl}/metrics`)).text();
    expect(metrics).toMatch(
      /^reelgate_dashboard_http_requests_total\{route="other",method="GET",status="400"/mu,
    );
  });
});

test("a client that never ends its headers is cut off", async () => {
  const socket = connect(Number(new URL(dashboard.url).port), "127.0.0.1");
  let received = "";
  let closed = false;
  socket.on("data", (chunk) => {
    received += String(chunk);
  });
  socket.on("close", () => {
    closed = true;
  });
  socket.write("GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ");
  await until(() => closed, { what: "the connection's end", timeoutMs: 15_000 });
  expect(received).toMatch(/^HTTP\/1\.1 408 /u);
});
