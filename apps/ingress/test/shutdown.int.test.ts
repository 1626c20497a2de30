import { once } from "node:events";
import { Agent, request } from "node:http";
import type { IncomingMessage } from "node:http";
import { connect } from "node:net";
import { startHalfOpenProxy } from "@reelgate/testkit/half-open-proxy";
import { until } from "@reelgate/testkit/latch";
import { startTestRedis } from "@reelgate/testkit/redis-server";
import { expect, test } from "vitest";
import { callbackBody, jobIdOf, post, startTestIngress, waitingJobIds } from "./ingress-fixture.ts";

test("a graceful stop answers what has arrived, and stores it", async () => {
  await using redis = await startTestRedis();
  await using proxy = await startHalfOpenProxy(redis.port);
  const ingress = await startTestIngress(proxy.through(redis.url));
  await ingress.untilReady();
  await proxy.set("blackhole");
  const bodies = Array.from({ length: 50 }, () => callbackBody());
  const replies = Promise.all(bodies.map((body) => post(ingress.callbackUrl, body)));
  await until(async () => (await ingress.metrics()).includes('in_flight{app="ingress"} 50'));
  const stopped = ingress.stop();
  await proxy.set("pass");
  expect((await replies).map(({ status }) => status)).toEqual(bodies.map(() => 200));
  await stopped;
  await expect(fetch(ingress.callbackUrl)).rejects.toThrow("fetch failed");
  expect((await waitingJobIds(redis.url)).toSorted()).toEqual(bodies.map(jobIdOf).toSorted());
});

test("while it stops it answers on a connection that is kept open, and then closes it", async () => {
  await using redis = await startTestRedis();
  await using proxy = await startHalfOpenProxy(redis.port);
  const ingress = await startTestIngress(proxy.through(redis.url));
  await ingress.untilReady();
  await proxy.set("blackhole");
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const sent = request(ingress.callbackUrl, { method: "POST", agent });
  sent.end(callbackBody());
  await until(async () => (await ingress.metrics()).includes('in_flight{app="ingress"} 1'));
  const startedAtMs = performance.now();
  const stopped = ingress.stop();
  await proxy.set("pass");
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  expect(response.statusCode).toBe(200);
  response.resume();
  await stopped;
  expect(performance.now() - startedAtMs).toBeLessThan(3000);
  agent.destroy();
});

test("idle connections do not hold a stop up, and unfinished requests only for a while", async () => {
  await using redis = await startTestRedis();
  const ingress = await startTestIngress(redis.url, { shutdownGraceMs: 3000 });
  await ingress.untilReady();
  await post(ingress.callbackUrl, callbackBody());
  const silent = connect(ingress.port, "127.0.0.1");
  const unfinished = connect(ingress.port, "127.0.0.1");
  await Promise.all([once(silent, "connect"), once(unfinished, "connect")]);
  // Cut off with its request half sent, it may see a reset.
  const closed = Promise.all(
    [silent, unfinished].map(async (socket) => {
      socket.on("error", () => undefined);
      await new Promise((resolve) => socket.once("close", resolve));
      return socket.destroyed;
    }),
  );
  unfinished.write("POST /callbacks/css HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n{");
  const startedAtMs = performance.now();
  await ingress.stop();
  expect(await closed).toEqual([true, true]);
  expect(performance.now() - startedAtMs).toBeLessThan(3000);
});

test.each(["SIGSTOP", "SIGKILL"] as const)(
  "with Redis away (%s) it stops as well",
  async (signal) => {
    await using redis = await startTestRedis();
    const ingress = await startTestIngress(redis.url);
    await ingress.untilReady();
    await redis.kill(signal);
    const reply = post(ingress.callbackUrl, callbackBody());
    await until(async () => /in_flight\{app="ingress"\} 1|queue_un/u.test(await ingress.metrics()));
    const startedAtMs = performance.now();
    await ingress.stop();
    expect(performance.now() - startedAtMs).toBeLessThan(4000);
    expect(await reply).toMatchObject({ status: 503 });
  },
);
