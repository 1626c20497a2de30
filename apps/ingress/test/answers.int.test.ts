import { gzipSync } from "node:zlib";
import { startTestRedis } from "@reelgate/testkit/redis-server";
import type { TestRedis } from "@reelgate/testkit/redis-server";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  callbackBody,
  jobIdOf,
  nowS,
  post,
  sign,
  startTestIngress,
  storedJob,
  waitingJobIds,
} from "./ingress-fixture.ts";
import type { TestIngress } from "./ingress-fixture.ts";

let redis: TestRedis;
let ingress: TestIngress;
beforeAll(async () => {
  redis = await startTestRedis();
  ingress = await startTestIngress(redis.url);
  await ingress.untilReady();
});
afterAll(async () => {
  await ingress.stop();
  await redis.stop();
});

const refusal = (status: number, error: string): object => ({
  status,
  body: { code: status, error },
  retryAfter: null,
});

describe("accepted", () => {
  test("a signed callback is answered 200 and is a job", async () => {
    const body = callbackBody({ stream_id: "流 1" });
    const sentAtMs = Date.now();
    const reply = await post(ingress.callbackUrl, body, { "x-request-id": "edge-17" });
    expect(reply).toMatchObject({ status: 200, body: { code: 0 }, retryAfter: null });
    const job = await storedJob(redis.url, jobIdOf(body));
    expect(job).toMatchObject({ name: "callback" });
    expect(JSON.parse(job.data ?? "")).toEqual({
      body,
      receivedAtMs: expect.any(Number),
      requestId: "edge-17",
      remoteAddress: "127.0.0.1",
      keyIndex: 0,
    });
    expect(JSON.parse(job.data ?? "").receivedAtMs).toBeGreaterThanOrEqual(sentAtMs);
  });

  test.each([
    ["no content type", {}],
    ["JSON", { "content-type": "application/json" }],
    ["a form", { "content-type": "application/x-www-form-urlencoded" }],
    ["nonsense", { "content-type": ";;;=" }],
    ["another charset", { "content-type": "text/plain; charset=utf-16" }],
  ])("whatever the content type says: %s", async (_what, headers) => {
    const bytes = new TextEncoder().encode(callbackBody());
    expect(await post(ingress.callbackUrl, bytes, headers)).toMatchObject({ status: 200 });
    expect(await waitingJobIds(redis.url)).toContain(jobIdOf(bytes));
  });

  test.each(["?action=record", "?a[b]=1&a=2", "?%zz", "?"])("with any query: %s", async (query) => {
    const reply = await post(ingress.callbackUrl + query, callbackBody());
    expect(reply).toMatchObject({ status: 200 });
  });

  test("a repeated delivery is answered 200 again and stays one job", async () => {
    const body = callbackBody();
    const replies = await Promise.all(
      Array.from({ length: 20 }, () => post(ingress.callbackUrl, body)),
    );
    expect(replies.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 200));
    expect(await post(ingress.callbackUrl, body)).toMatchObject({ status: 200 });
    const waiting = await waitingJobIds(redis.url);
    expect(waiting.filter((id) => id === jobIdOf(body))).toHaveLength(1);
  });

  test("ids of the provider that are names of the queue's own keys do no harm", async () => {
    const names = ["wait", "active", "delayed", "meta", "id", "events", "failed", "0", "1:2:3"];
    for (const name of names) {
      const fields = { file_id: name, record_file_id: name, task_id: name };
      expect(await post(ingress.callbackUrl, callbackBody(fields))).toMatchObject({ status: 200 });
    }
    for (const id of await waitingJobIds(redis.url)) expect(id).toMatch(/^cb-[0-9a-f]{64}$/u);
  });

  test("a body of exactly MAX_BODY_BYTES", async () => {
    const body = callbackBody();
    const padded = body + " ".repeat(65_536 - body.length);
    expect(await post(ingress.callbackUrl, padded)).toMatchObject({ status: 200 });
    expect(await post(ingress.callbackUrl, `${padded} `)).toMatchObject(refusal(413, "too_large"));
  });
});

describe("refused", () => {
  const deep = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);

  test.each([
    ["no body", null],
    ["an empty body", ""],
    ["cut JSON", callbackBody().slice(0, -2)],
    ["deep nesting", `{"a":${deep(70)},"t":1}`],
    ["very deep nesting", deep(30_000)],
    ["open nesting", "[".repeat(60_000)],
    ["invalid UTF-8", new Uint8Array([0x7b, 0x22, 0xc3, 0x28, 0x22, 0x3a, 0x31, 0x7d])],
    ["a zero byte", new Uint8Array([0])],
    ["duplicate keys", `{"t":1,"sign":"x","t":2}`],
    ["a __proto__ key", `{"__proto__":{"t":1,"sign":"x"}}`],
    ["a gzip body without its header", gzipSync(callbackBody())],
  ])("400 malformed_json: %s", async (_what, body) => {
    expect(await post(ingress.callbackUrl, body)).toMatchObject(refusal(400, "malformed_json"));
  });

  test.each(["gzip", "deflate", "br", "zstd", "x-unknown", "gzip, gzip"])(
    "400 malformed_json: Content-Encoding %s",
    async (encoding) => {
      const reply = await post(ingress.callbackUrl, gzipSync(callbackBody()), {
        "content-encoding": encoding,
      });
      expect(reply).toMatchObject(refusal(400, "malformed_json"));
    },
  );

  test.each(["null", "[]", "[{}]", '"t"', "1", "true"])("400 not_an_object: %s", async (body) => {
    expect(await post(ingress.callbackUrl, body)).toMatchObject(refusal(400, "not_an_object"));
  });

  const t = nowS() + 600;
  test.each([
    ["neither", {}],
    ["no sign", { t }],
    ["no t", { sign: sign(t) }],
    ["null", { t: null, sign: null }],
    ["t an object", { t: { valueOf: t }, sign: sign(t) }],
    ["t an array", { t: [t], sign: sign(t) }],
    ["t true", { t: true, sign: sign("true") }],
    ["t a fraction", { t: t + 0.5, sign: sign(t + 0.5) }],
    ["t negative", { t: -t, sign: sign(-t) }],
    ["t too large", { t: 1e300, sign: sign("1e+300") }],
    ["t a word", { t: "constructor", sign: sign("constructor") }],
    ["t empty", { t: "", sign: sign("") }],
    ["sign a number", { t, sign: 1.5e31 }],
    ["sign an array", { t, sign: [sign(t)] }],
    ["sign an object", { t, sign: { length: 32 } }],
    ["sign empty", { t, sign: "" }],
    ["nested", { data: { t, sign: sign(t) } }],
  ])("400 missing_signature: %s", async (_what, fields) => {
    const reply = await post(ingress.callbackUrl, JSON.stringify(fields));
    expect(reply).toMatchObject(refusal(400, "missing_signature"));
  });

  test.each([
    ["a wrong key", { t, sign: sign(t, "wrong") }],
    ["another t", { t: t + 1, sign: sign(t) }],
    ["upper case", { t, sign: sign(t).toUpperCase() }],
    ["nonsense", { t, sign: "x" }],
    ["a long text", { t, sign: "a".repeat(10_000) }],
    ["an expired t with a wrong key", { t: 1, sign: sign(1, "wrong") }],
  ])("401 bad_signature: %s", async (_what, fields) => {
    const reply = await post(ingress.callbackUrl, JSON.stringify(fields));
    expect(reply).toMatchObject(refusal(401, "bad_signature"));
  });

  test("401 expired", async () => {
    const late = callbackBody({}, nowS() - 1);
    expect(await post(ingress.callbackUrl, late)).toMatchObject(refusal(401, "expired"));
    expect(await post(ingress.callbackUrl, callbackBody({}, String(nowS() - 1)))).toMatchObject(
      refusal(401, "expired"),
    );
  });

  test("413 too_large, with and without a declared length", async () => {
    const body = "x".repeat(1_000_000);
    expect(await post(ingress.callbackUrl, body)).toMatchObject(refusal(413, "too_large"));
    const response = await fetch(ingress.callbackUrl, {
      method: "POST",
      body: new Blob([body]).stream(),
      duplex: "half",
    });
    expect(response.status).toBe(413);
    expect(await response.json()).toEqual({ code: 413, error: "too_large" });
  });

  test.each([
    "/",
    "/callbacks",
    "/callbacks/css/",
    "/callbacks/css/token",
    "/CALLBACKS/CSS",
    "/callbacks/css/%zz",
    "/metrics",
    "/callbacks/%63ss/..",
  ])("404 not_found: %s", async (path) => {
    const reply = await post(ingress.url + path, callbackBody());
    expect(reply).toMatchObject(refusal(404, "not_found"));
  });

  test.each(["GET", "PUT", "PATCH", "DELETE", "OPTIONS"])(
    "405 method_not_allowed: %s",
    async (method) => {
      const response = await fetch(ingress.callbackUrl, { method });
      expect(response.status).toBe(405);
      expect(response.headers.get("allow")).toBe("POST");
      expect(await response.json()).toEqual({ code: 405, error: "method_not_allowed" });
    },
  );

  test("nothing of all that became a job", async () => {
    const before = await waitingJobIds(redis.url);
    const anyField = fc.oneof(fc.jsonValue(), fc.integer(), fc.string(), fc.constant(t));
    const body = fc
      .record({ t: anyField, sign: anyField, event_type: fc.jsonValue() }, { requiredKeys: [] })
      .map((fields) => new TextEncoder().encode(JSON.stringify(fields)));
    const bytes = fc.uint8Array({ maxLength: 200 });
    await fc.assert(
      fc.asyncProperty(fc.oneof(body, bytes), async (sent) => {
        const reply = await post(ingress.callbackUrl, new Uint8Array(sent));
        expect([400, 401]).toContain(reply.status);
      }),
      { numRuns: 300 },
    );
    expect(await waitingJobIds(redis.url)).toEqual(before);
  });
});

test("health is told on the public port, and reasons are not", async () => {
  for (const [path, body] of [
    ["/healthz", { alive: true }],
    ["/readyz", { ready: true }],
  ] as const) {
    const response = await fetch(`${ingress.url}${path}?x=1`);
    expect([response.status, await response.json()]).toEqual([200, body]);
    expect((await fetch(ingress.url + path, { method: "HEAD" })).status).toBe(200);
    const posted = await fetch(ingress.url + path, { method: "POST", body: "{}" });
    expect([posted.status, posted.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
  }
});

test("answers carry nothing of the framework", async () => {
  const response = await fetch(ingress.callbackUrl, { method: "POST", body: callbackBody() });
  expect([...response.headers.keys()].toSorted()).toEqual([
    "connection",
    "content-length",
    "content-type",
    "date",
    "keep-alive",
  ]);
});

test("every answer is counted, and acknowledgements are timed", async () => {
  const metrics = await ingress.metrics();
  for (const answer of ["accepted", "malformed_json", "bad_signature", "expired", "too_large"]) {
    expect(metrics).toMatch(
      new RegExp(`reelgate_ingress_answers_total\\{answer="${answer}",app="ingress"\\} [1-9]`, "u"),
    );
  }
  expect(metrics).toMatch(/reelgate_ingress_ack_seconds_count\{app="ingress"\} [1-9]/u);
  expect(metrics).toContain('reelgate_ingress_in_flight{app="ingress"} 0');
  expect(metrics).toContain('reelgate_ingress_redis_durable{app="ingress"} 1');
});

describe("other configurations", () => {
  test("with a path token, only the path with the token exists", async () => {
    const token = "f3kQ9-vT2_xLw8Zr";
    await using guarded = await startTestIngress(redis.url, { callbackPathToken: token });
    await guarded.untilReady();
    const base = guarded.callbackUrl;
    const statusOf = async (path: string): Promise<number> =>
      (await post(`${base}${path}`, callbackBody())).status;
    expect(await statusOf(`/${token}`)).toBe(200);
    expect(await statusOf(`/${token}?action=record`)).toBe(200);
    for (const path of ["", "/", `/${token}/`, `/${token}x`, `/${token.slice(1)}`, "/%zz"]) {
      expect([path, await statusOf(path)]).toEqual([path, 404]);
    }
    expect((await fetch(base)).status).toBe(404);
    expect((await fetch(`${base}/wrong-token`)).status).toBe(404);
    expect((await fetch(`${base}/${token}`)).status).toBe(405);
  });

  test("the grace takes callbacks whose `t` has passed", async () => {
    await using lenient = await startTestIngress(redis.url, { callbackGraceS: 900 });
    await lenient.untilReady();
    const statusOf = async (t: number): Promise<number> =>
      (await post(lenient.callbackUrl, callbackBody({}, t))).status;
    expect([await statusOf(nowS() - 890), await statusOf(nowS() - 910)]).toEqual([200, 401]);
  });

  test("any of several keys may have signed", async () => {
    const callbackKeys = ["newKey", "oldKey"];
    await using rotating = await startTestIngress(redis.url, { callbackKeys });
    await rotating.untilReady();
    const t = nowS() + 600;
    const indexes = [];
    for (const key of callbackKeys) {
      const body = JSON.stringify({ t, sign: sign(t, key) });
      expect(await post(rotating.callbackUrl, body)).toMatchObject({ status: 200 });
      const job = await storedJob(redis.url, jobIdOf(body));
      indexes.push(JSON.parse(job.data ?? "").keyIndex);
    }
    expect(indexes).toEqual([0, 1]);
    expect(await post(rotating.callbackUrl, callbackBody())).toMatchObject({ status: 401 });
  });

  test("without keys, unsigned callbacks are taken and said to be unsigned", async () => {
    await using open = await startTestIngress(redis.url, { callbackKeys: [] });
    await open.untilReady();
    const body = `{"event_type":100,"file_id":"unsigned"}`;
    expect(await post(open.callbackUrl, body)).toMatchObject({ status: 200 });
    const job = await storedJob(redis.url, jobIdOf(body));
    expect(JSON.parse(job.data ?? "").keyIndex).toBeNull();
    expect(open.log.text()).toContain("ALLOW_UNSIGNED");
  });

  test.each([
    [0, "198.51.100.9, 203.0.113.5", "127.0.0.1"],
    [1, "198.51.100.9, 203.0.113.5", "203.0.113.5"],
    [2, "198.51.100.9, 203.0.113.5", "198.51.100.9"],
    [1, "<script>", "127.0.0.1"],
  ])("behind %i proxies, %s is %s", async (trustProxyHops, forwarded, address) => {
    await using proxied = await startTestIngress(redis.url, { trustProxyHops });
    await proxied.untilReady();
    const body = callbackBody();
    await post(proxied.callbackUrl, body, { "x-forwarded-for": forwarded });
    const job = await storedJob(redis.url, jobIdOf(body));
    expect(JSON.parse(job.data ?? "").remoteAddress).toBe(address);
  });

  test("a port that is taken is named, with the variable to change, and nothing is left running", async () => {
    const { port } = ingress;
    await expect(startTestIngress(redis.url, { port })).rejects.toMatchObject({
      code: "port_in_use",
      message: expect.stringMatching(new RegExp(`Port ${port} .* Set PORT `, "u")),
    });
  });

  test("a request id that is not fit for logs is replaced", async () => {
    for (const given of ["a b", "x".repeat(129), "{}", "ü"]) {
      const body = callbackBody();
      await post(ingress.callbackUrl, body, { "x-request-id": encodeURI(given) });
      const { requestId } = JSON.parse((await storedJob(redis.url, jobIdOf(body))).data ?? "");
      expect(requestId).toMatch(/^[0-9a-f]{8}-[0-9a-f-]{27}$/u);
    }
  });
});
