import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "@reelgate/testkit/latch";
import { startTestRedis } from "@reelgate/testkit/redis-server";
import { expect, test } from "vitest";
import {
  callbackBody,
  command,
  jobIdOf,
  post,
  startTestIngress,
  waitingJobIds,
} from "./ingress-fixture.ts";
import type { Reply, TestIngress } from "./ingress-fixture.ts";

const UNAVAILABLE = { status: 503, body: { code: 503, error: "queue_unavailable" } };

const untilFull = (ingress: TestIngress): Promise<unknown> =>
  until(
    async () => (await ingress.metrics()).includes('reelgate_ingress_queue_full{app="ingress"} 1'),
    {
      what: "the queue being full",
    },
  );

test("beyond MAX_QUEUE_LENGTH callbacks are answered 503 with Retry-After, until the queue is shorter", async () => {
  await using redis = await startTestRedis();
  await using ingress = await startTestIngress(redis.url, { maxQueueLength: 3 });
  await ingress.untilReady();
  for (let index = 0; index < 3; index += 1) {
    expect(await post(ingress.callbackUrl, callbackBody())).toMatchObject({ status: 200 });
  }
  await untilFull(ingress);
  expect(await post(ingress.callbackUrl, callbackBody())).toMatchObject({
    ...UNAVAILABLE,
    retryAfter: "5",
  });
  expect(await ingress.readiness()).toEqual({
    status: 503,
    body: { ready: false, reasons: ["3 callbacks wait in Redis (MAX_QUEUE_LENGTH)"] },
  });
  await command(redis.url, "FLUSHALL");
  await ingress.untilReady();
  expect(await post(ingress.callbackUrl, callbackBody())).toMatchObject({ status: 200 });
});

test("MAX_QUEUE_LENGTH holds for a Redis that tells nothing of its memory", async () => {
  await using redis = await startTestRedis();
  await command(redis.url, "ACL", "SETUSER", "shy", "on", ">shy", "~*", "&*", "+@all", "-info");
  const url = new URL(redis.url);
  [url.username, url.password] = ["shy", "shy"];
  await using ingress = await startTestIngress(url.href, { maxQueueLength: 1 });
  await ingress.untilReady();
  expect(await post(ingress.callbackUrl, callbackBody())).toMatchObject({ status: 200 });
  await untilFull(ingress);
  expect(await post(ingress.callbackUrl, callbackBody())).toMatchObject(UNAVAILABLE);
});

test("G1: a Redis that is nearly full gets no callbacks; the spool keeps them, and it is drained when there is room", async () => {
  const spoolDir = await mkdtemp(join(tmpdir(), "reelgate-bounds-"));
  await using cleanUp = new AsyncDisposableStack();
  cleanUp.defer(() => rm(spoolDir, { recursive: true }));
  await using redis = await startTestRedis();
  await using ingress = await startTestIngress(redis.url, { spoolDir });
  await until(async () =>
    (await ingress.metrics()).includes('reelgate_ingress_redis_durable{app="ingress"} 1'),
  );
  const used = Number(
    /^used_memory:(\d+)/mu.exec(String(await command(redis.url, "INFO", "memory")))?.[1],
  );
  // With some room left: Redis itself would still take the callback.
  await command(redis.url, "CONFIG", "SET", "maxmemory", `${Math.round(used * 1.08)}`);
  await untilFull(ingress);
  const body = callbackBody();
  expect(await post(ingress.callbackUrl, body)).toMatchObject({ status: 200 });
  expect(await waitingJobIds(redis.url)).toEqual([]);
  const { status, body: readiness } = await ingress.readiness();
  expect(status).toBe(200);
  expect(JSON.stringify(readiness)).toMatch(
    /Redis uses 9\d % of its memory \(REDIS_MAX_MEMORY_PERCENT\)","1 callbacks wait in the spool, the oldest for \d+ s/u,
  );
  await command(redis.url, "CONFIG", "SET", "maxmemory", "0");
  await until(async () => (await waitingJobIds(redis.url)).includes(jobIdOf(body)), {
    what: "the callback in Redis",
  });
});

const LIMITED = { status: 429, body: { code: 429, error: "rate_limited" } };
/** Behind a proxy that names the client. */
const from = (address: string): Record<string, string> => ({ "x-forwarded-for": address });

test("an address beyond RATE_LIMIT_REQUESTS is answered 429 with Retry-After by every replica, others are served", async () => {
  await using redis = await startTestRedis();
  const changes = { rateLimit: { requests: 3, windowS: 600 }, trustProxyHops: 1 };
  await using one = await startTestIngress(redis.url, changes);
  await using two = await startTestIngress(redis.url, changes);
  await Promise.all([one.untilReady(), two.untilReady()]);
  const replies: Reply[] = [];
  for (const { callbackUrl } of [one, two, one, two, one]) {
    // One /64 is one client.
    const address = `2001:db8::${replies.length + 1}`;
    replies.push(await post(callbackUrl, callbackBody(), from(address)));
  }
  expect(replies.map(({ status }) => status)).toEqual([200, 200, 200, 429, 429]);
  expect(replies[4]).toMatchObject(LIMITED);
  expect(Number(replies[4]?.retryAfter)).toBeGreaterThan(590);
  expect(Number(replies[4]?.retryAfter)).toBeLessThanOrEqual(600);
  expect(await post(one.callbackUrl, callbackBody(), from("192.0.2.7"))).toMatchObject({
    status: 200,
  });
  expect(await one.metrics()).toContain(
    'reelgate_ingress_answers_total{answer="rate_limited",app="ingress"} 1',
  );
  // What is refused here is remembered here: Redis is not asked.
  const calls = async (): Promise<string> =>
    /cmdstat_evalsha:calls=(\d+)/u.exec(
      String(await command(redis.url, "INFO", "commandstats")),
    )?.[1] ?? "";
  const before = await calls();
  expect(await post(one.callbackUrl, callbackBody(), from("2001:db8::9"))).toMatchObject(LIMITED);
  expect(await calls()).toBe(before);
});

test("while Redis is away each replica limits by itself: neither all are refused nor none", async () => {
  const spoolDir = await mkdtemp(join(tmpdir(), "reelgate-bounds-"));
  await using cleanUp = new AsyncDisposableStack();
  cleanUp.defer(() => rm(spoolDir, { recursive: true }));
  await using redis = await startTestRedis();
  await using ingress = await startTestIngress(redis.url, {
    spoolDir,
    rateLimit: { requests: 3, windowS: 600 },
    trustProxyHops: 1,
  });
  await until(async () =>
    (await ingress.metrics()).includes('reelgate_ingress_redis_durable{app="ingress"} 1'),
  );
  await redis.kill("SIGKILL");
  const statuses: number[] = [];
  for (let index = 0; index < 5; index += 1) {
    statuses.push((await post(ingress.callbackUrl, callbackBody(), from("192.0.2.8"))).status);
  }
  expect(statuses).toEqual([200, 200, 200, 429, 429]);
  expect(await post(ingress.callbackUrl, callbackBody(), from("192.0.2.9"))).toMatchObject({
    status: 200,
  });
});

test("without a limit Redis is asked nothing about addresses", async () => {
  await using redis = await startTestRedis();
  await using ingress = await startTestIngress(redis.url);
  await ingress.untilReady();
  for (let index = 0; index < 5; index += 1) {
    expect(await post(ingress.callbackUrl, callbackBody())).toMatchObject({ status: 200 });
  }
  expect(await command(redis.url, "KEYS", "reelgate:requests-of:*")).toEqual([]);
});
