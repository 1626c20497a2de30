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
import type { TestIngress } from "./ingress-fixture.ts";

interface Load {
  acked: string[];
  statuses: Set<number>;
  stop(): Promise<void>;
}

/** Sends callbacks from so many senders at once until told to stop; gives the ids of those answered 200. */
function load(ingress: TestIngress, senders: number): Load {
  const acked: string[] = [];
  const statuses = new Set<number>();
  const stopping = new AbortController();
  const send = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      const body = callbackBody({ padding: "x".repeat(500) });
      const { status } = await post(ingress.callbackUrl, body);
      if (status === 200) acked.push(jobIdOf(body));
      statuses.add(status);
    }
  };
  const running = Array.from({ length: senders }, send);
  return {
    acked,
    statuses,
    async stop() {
      stopping.abort();
      await Promise.all(running);
    },
  };
}

test("G1: Redis killed under load keeps every callback that was answered 200", async () => {
  await using redis = await startTestRedis();
  await using ingress = await startTestIngress(redis.url);
  await ingress.untilReady();
  const sending = load(ingress, 32);
  for (let kills = 1; kills <= 3; kills++) {
    await until(() => sending.acked.length >= kills * 500, { what: `${kills * 500} answers` });
    await redis.kill("SIGKILL");
    await redis.restart();
    await ingress.untilReady();
  }
  await sending.stop();
  expect(sending.statuses).toEqual(new Set([200, 503]));
  await redis.kill("SIGKILL");
  await redis.restart();
  const waiting = await waitingJobIds(redis.url);
  expect(new Set(waiting).size).toBe(waiting.length);
  const stored = new Set(waiting);
  expect(sending.acked.filter((id) => !stored.has(id))).toEqual([]);
  expect(sending.acked.length).toBeGreaterThan(1500);
});

test("G1: no 200 from a Redis that keeps nothing", async () => {
  await using redis = await startTestRedis({ settings: { appendonly: "no" } });
  await using ingress = await startTestIngress(redis.url);
  const { body } = await until(async () => {
    const readiness = await ingress.readiness();
    return JSON.stringify(readiness.body).includes("appendonly") && readiness;
  });
  expect(body).toEqual({ ready: false, reasons: ["Redis has appendonly=no, not yes"] });
  expect(await post(ingress.callbackUrl, callbackBody())).toMatchObject({
    status: 503,
    body: { code: 503, error: "queue_unavailable" },
    retryAfter: "5",
  });
  expect(await waitingJobIds(redis.url)).toEqual([]);
  expect(await (await fetch(`${ingress.url}/readyz`)).json()).toEqual({ ready: false });
  expect((await fetch(`${ingress.url}/healthz`)).status).toBe(200);
  expect(await ingress.metrics()).toContain('reelgate_ingress_redis_durable{app="ingress"} 0');
});

test("G1: a Redis that stops being durable is noticed, and healing too", async () => {
  await using redis = await startTestRedis();
  await using ingress = await startTestIngress(redis.url, {}, { recheckMs: 100 });
  await ingress.untilReady();
  const statusOf = async (): Promise<number> =>
    (await post(ingress.callbackUrl, callbackBody())).status;
  expect(await statusOf()).toBe(200);
  await command(redis.url, "CONFIG", "SET", "appendfsync", "everysec");
  await until(async () => (await statusOf()) === 503);
  expect(await ingress.readiness()).toEqual({
    status: 503,
    body: { ready: false, reasons: ["Redis has appendfsync=everysec, not always"] },
  });
  await command(redis.url, "CONFIG", "SET", "appendfsync", "always");
  await until(async () => (await statusOf()) === 200);
});

test("G1: a reconnect to a Redis that is not durable makes no 200", async () => {
  await using redis = await startTestRedis();
  await using ingress = await startTestIngress(redis.url);
  await ingress.untilReady();
  await command(redis.url, "CONFIG", "SET", "appendfsync", "no");
  const sending = load(ingress, 32);
  await until(() => sending.acked.length >= 300);
  await command(redis.url, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
  await until(async () => (await ingress.readiness()).status === 503);
  // Whatever was on its way when the connection broke has been answered once as many again have been refused.
  const acked = sending.acked.length;
  await until(async () => {
    const refused = /answer="queue_unavailable",app="ingress"\} (\d+)/u.exec(
      await ingress.metrics(),
    );
    return Number(refused?.[1] ?? 0) >= 100;
  });
  await sending.stop();
  expect(sending.acked.length - acked).toBeLessThanOrEqual(32);
  expect(await post(ingress.callbackUrl, callbackBody())).toMatchObject({ status: 503 });
});

test("with REDIS_DURABILITY=warn callbacks are taken, and it is said what that means", async () => {
  await using redis = await startTestRedis({ settings: { appendonly: "no" } });
  await using ingress = await startTestIngress(redis.url, { redisDurability: "warn" });
  await ingress.log.waitFor((line) => line.msg === "Redis can lose what it acknowledges");
  expect(await post(ingress.callbackUrl, callbackBody())).toMatchObject({ status: 200 });
  expect(await ingress.readiness()).toEqual({
    status: 200,
    body: { ready: true, notes: ["Redis has appendonly=no, not yes"] },
  });
});
