import { once } from "node:events";
import { request } from "node:http";
import type { IncomingMessage } from "node:http";
import { startTestRedis } from "@reelgate/testkit/redis-server";
import type { TestRedis } from "@reelgate/testkit/redis-server";
import { afterAll, beforeAll, expect, test } from "vitest";
import { callbackBody, jobIdOf, startTestIngress, storedJob } from "./ingress-fixture.ts";
import type { TestIngress } from "./ingress-fixture.ts";

const TOKEN = "f3kQ9-vT2_xLw8Zr";

let redis: TestRedis;
let open: TestIngress;
let guarded: TestIngress;
beforeAll(async () => {
  redis = await startTestRedis();
  open = await startTestIngress(redis.url, { trustProxyHops: 1 });
  guarded = await startTestIngress(redis.url, { callbackPathToken: TOKEN });
  await Promise.all([open.untilReady(), guarded.untilReady()]);
});
afterAll(async () => {
  await Promise.all([open.stop(), guarded.stop()]);
  await redis.stop();
});

interface Sent {
  status: number | undefined;
  allow: string | undefined;
  text: string;
}

/** A request whose target is sent as it stands: `fetch` would resolve it first. */
async function send(
  ingress: TestIngress,
  target: string,
  options: { method?: string; body?: string; headers?: Record<string, string> } = {},
): Promise<Sent> {
  const { method = "POST", body = callbackBody(), headers = {} } = options;
  const sent = request({ port: ingress.port, host: "127.0.0.1", path: target, method, headers });
  if (headers.expect === undefined) {
    sent.end(method === "POST" ? body : undefined);
  } else {
    sent.once("continue", () => sent.end(body));
    sent.flushHeaders();
  }
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  const text = Buffer.concat(await response.toArray()).toString();
  return { status: response.statusCode, allow: response.headers.allow, text };
}

const OPEN_TARGETS: readonly [string, number][] = [
  ["/callbacks/css", 200],
  ["/callbacks/css?", 200],
  ["/callbacks/css?a=b&c=%zz", 200],
  ["/callbacks/css?/x?y", 200],
  ["http://ingress.example/callbacks/css", 200],
  ["http://ingress.example/callbacks/css?a=b", 200],
  ["/callbacks/css/", 404],
  ["/Callbacks/css", 404],
  ["//callbacks/css", 404],
  ["/callbacks/css/x", 404],
  ["/callbacks/cssx", 404],
  ["/callbacks", 404],
  ["http://ingress.example/callbacks/css/", 404],
];

test.each(OPEN_TARGETS)("the path as it may be written: %s is %i", async (target, status) => {
  expect((await send(open, target)).status).toBe(status);
});

const GUARDED_TARGETS: readonly [string, number][] = [
  [`/callbacks/css/${TOKEN}`, 200],
  [`/callbacks/css/${TOKEN}?a=/b`, 200],
  [`/callbacks/css/%66${TOKEN.slice(1)}`, 200],
  [`http://ingress.example/callbacks/css/${TOKEN}`, 200],
  [`/callbacks/css/${TOKEN}/`, 404],
  [`/callbacks/css/${TOKEN.toLowerCase()}`, 404],
  [`/callbacks/css/?${TOKEN}`, 404],
  [`/callbacks/css?/${TOKEN}`, 404],
  ["/callbacks/css/%zz", 404],
  ["/callbacks/css/", 404],
];

test.each(GUARDED_TARGETS)("the path with a token: %s is %i", async (target, status) => {
  expect((await send(guarded, target)).status).toBe(status);
});

test.each(["/callbacks/css", "http://ingress.example/callbacks/css"])(
  "other methods, and HEAD without a body, for %s",
  async (target) => {
    const refused = { status: 405, allow: "POST" };
    expect(await send(open, target, { method: "GET" })).toMatchObject({
      ...refused,
      text: '{"code":405,"error":"method_not_allowed"}',
    });
    expect(await send(open, target, { method: "HEAD" })).toMatchObject({ ...refused, text: "" });
  },
);

test.each(["/callbacks/css", "http://ingress.example/callbacks/css"])(
  "a client that waits for 100 Continue, behind a proxy, for %s",
  async (target) => {
    const body = callbackBody();
    const headers = {
      expect: "100-continue",
      "content-length": String(Buffer.byteLength(body)),
      "x-forwarded-for": "198.51.100.9, 203.0.113.5",
      "x-request-id": "from-the-proxy",
    };
    expect((await send(open, target, { body, headers })).status).toBe(200);
    const { data = "" } = await storedJob(redis.url, jobIdOf(body));
    expect(JSON.parse(data)).toMatchObject({
      remoteAddress: "203.0.113.5",
      requestId: "from-the-proxy",
    });
  },
);
