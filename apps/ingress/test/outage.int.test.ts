import { startHalfOpenProxy } from "@reelgate/testkit/half-open-proxy";
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

const ANSWER_WITHIN_MS = 2500;
const RECOVERY_WITHIN_MS = 5000;

const UNAVAILABLE = { status: 503, body: { code: 503, error: "queue_unavailable" } };

/** Callbacks sent one after another and together while Redis is away: every one is refused in time. */
async function expectRefusals(ingress: TestIngress): Promise<void> {
  const send = (): Promise<Reply> => post(ingress.callbackUrl, callbackBody());
  const replies = await Promise.all(Array.from({ length: 20 }, send));
  replies.push(await send(), await send());
  for (const reply of replies) {
    expect(reply).toMatchObject(UNAVAILABLE);
    expect(Number(reply.retryAfter)).toBeGreaterThan(0);
    expect(reply.tookMs).toBeLessThan(ANSWER_WITHIN_MS);
  }
}

async function expectRecovery(ingress: TestIngress): Promise<void> {
  const startedAtMs = performance.now();
  await until(async () => (await post(ingress.callbackUrl, callbackBody())).status === 200, {
    what: "200 after the return of Redis",
    timeoutMs: RECOVERY_WITHIN_MS,
    intervalMs: 50,
  });
  expect(performance.now() - startedAtMs).toBeLessThan(RECOVERY_WITHIN_MS);
  await ingress.untilReady();
}

test("Redis killed: 503 in time, and 200 again after its return", async () => {
  await using redis = await startTestRedis();
  await using ingress = await startTestIngress(redis.url);
  await ingress.untilReady();
  await redis.kill("SIGKILL");
  await expectRefusals(ingress);
  expect(await ingress.readiness()).toEqual({
    status: 503,
    body: { ready: false, reasons: ["Redis is not connected"] },
  });
  await redis.restart();
  await expectRecovery(ingress);
});

test("Redis frozen: 503 in time, and 200 again when it goes on", async () => {
  await using redis = await startTestRedis();
  await using ingress = await startTestIngress(redis.url);
  await ingress.untilReady();
  await redis.kill("SIGSTOP");
  await expectRefusals(ingress);
  await until(async () => (await ingress.readiness()).status === 503);
  await expectRefusals(ingress);
  await redis.kill("SIGCONT");
  await expectRecovery(ingress);
});

test.each(["refuse", "blackhole", "half-open", "reset"] as const)(
  "the way to Redis fails (%s): 503 in time, and 200 again when it is whole",
  async (mode) => {
    await using redis = await startTestRedis();
    await using proxy = await startHalfOpenProxy(redis.port);
    await using ingress = await startTestIngress(proxy.through(redis.url));
    await ingress.untilReady();
    await proxy.set(mode);
    await expectRefusals(ingress);
    await expectRefusals(ingress);
    expect((await ingress.readiness()).status).toBe(503);
    await proxy.set("pass");
    await expectRecovery(ingress);
  },
);

test("a callback whose reply was lost is one job after its redelivery", async () => {
  await using redis = await startTestRedis();
  await using proxy = await startHalfOpenProxy(redis.port);
  await using ingress = await startTestIngress(proxy.through(redis.url));
  await ingress.untilReady();
  await proxy.set("half-open");
  const body = callbackBody();
  expect(await post(ingress.callbackUrl, body)).toMatchObject(UNAVAILABLE);
  expect(await waitingJobIds(redis.url)).toEqual([jobIdOf(body)]);
  await proxy.set("pass");
  await ingress.untilReady();
  expect(await post(ingress.callbackUrl, body)).toMatchObject({ status: 200 });
  expect(await waitingJobIds(redis.url)).toEqual([jobIdOf(body)]);
});

test("without traffic too, a dead connection is noticed and replaced", async () => {
  await using redis = await startTestRedis();
  await using proxy = await startHalfOpenProxy(redis.port);
  await using ingress = await startTestIngress(proxy.through(redis.url));
  await ingress.untilReady();
  const { acceptedCount } = proxy;
  await proxy.set("blackhole");
  await until(async () => (await ingress.readiness()).status === 503);
  await until(() => proxy.acceptedCount > acceptedCount);
  expect(proxy.acceptedCount).toBeGreaterThan(acceptedCount);
});

test("started while Redis is away, it is alive, says so, and heals by itself", async () => {
  await using redis = await startTestRedis();
  await redis.kill("SIGKILL");
  await using ingress = await startTestIngress(redis.url);
  expect((await fetch(`${ingress.url}/healthz`)).status).toBe(200);
  expect((await fetch(`${ingress.url}/readyz`)).status).toBe(503);
  await expectRefusals(ingress);
  await redis.restart();
  await expectRecovery(ingress);
});

test("Redis full: 503, not ready, and 200 again when there is room", async () => {
  await using redis = await startTestRedis();
  await using ingress = await startTestIngress(redis.url);
  await ingress.untilReady();
  await command(redis.url, "CONFIG", "SET", "maxmemory", "1");
  await expectRefusals(ingress);
  const { body } = await until(async () => {
    const readiness = await ingress.readiness();
    return readiness.status === 503 && readiness;
  });
  expect(JSON.stringify(body)).toContain("OOM");
  await command(redis.url, "CONFIG", "SET", "maxmemory", "0");
  await expectRecovery(ingress);
});

test("Redis became a replica: 503, not ready, and 200 again when it is a master", async () => {
  await using redis = await startTestRedis();
  await using ingress = await startTestIngress(redis.url);
  await ingress.untilReady();
  await command(redis.url, "REPLICAOF", "127.0.0.1", "1");
  await expectRefusals(ingress);
  await until(async () => (await ingress.readiness()).status === 503);
  await command(redis.url, "REPLICAOF", "NO", "ONE");
  await expectRecovery(ingress);
});

test("more callbacks than MAX_IN_FLIGHT are refused at once, and the others answered", async () => {
  await using redis = await startTestRedis();
  await using proxy = await startHalfOpenProxy(redis.port);
  await using ingress = await startTestIngress(proxy.through(redis.url), { maxInFlight: 3 });
  await ingress.untilReady();
  await proxy.set({ delayMs: 600 });
  const replies = await Promise.all(
    Array.from({ length: 10 }, () => post(ingress.callbackUrl, callbackBody())),
  );
  const taken = replies.filter(({ status }) => status === 200);
  const refused = replies.filter(({ status }) => status === 503);
  expect([taken.length, refused.length]).toEqual([3, 7]);
  for (const reply of refused) {
    expect(reply).toMatchObject({ body: { code: 503, error: "overloaded" }, retryAfter: "1" });
    expect(reply.tookMs).toBeLessThan(500);
  }
  await proxy.set("pass");
  expect(await post(ingress.callbackUrl, callbackBody())).toMatchObject({ status: 200 });
});

test("a long outage fills the log with refusals, not with errors of Redis", async () => {
  await using redis = await startTestRedis();
  await using ingress = await startTestIngress(redis.url);
  await ingress.untilReady();
  await redis.kill("SIGKILL");
  await expectRefusals(ingress);
  await expectRefusals(ingress);
  await until(() => ingress.log.withMessage("Redis failed").length > 0);
  expect(ingress.log.withMessage("callback refused")).toHaveLength(44);
  expect(ingress.log.withMessage("Redis failed").length).toBeLessThanOrEqual(2);
  expect(ingress.log.withMessage("Redis is away")).toHaveLength(1);
});
