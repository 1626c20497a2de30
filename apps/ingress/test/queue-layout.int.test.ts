import { parseRedisUrl } from "@reelgate/shared/redis-url";
import { until } from "@reelgate/testkit/latch";
import { startTestRedis } from "@reelgate/testkit/redis-server";
import { expect, test } from "vitest";
import { callbackBody, command, post, startTestIngress } from "./ingress-fixture.ts";

test("G1: nothing is acknowledged into queues that have another number of shards", async () => {
  await using redis = await startTestRedis();
  await command(redis.url, "SET", "reelgate:queue-layout", "6");
  await using ingress = await startTestIngress(redis.url, {}, { recheckMs: 100 });
  const problem =
    "QUEUE_SHARDS is 1, and the queues of this Redis were made with 6. Set QUEUE_SHARDS=6 in every app; or, to have 1, stop ingress and worker once everything is settled and run `reelgate reshard 1`.";
  await ingress.log.waitFor((line) => line.msg === problem);
  expect(await ingress.readiness()).toEqual({
    status: 503,
    body: { ready: false, reasons: [problem] },
  });
  expect((await post(ingress.callbackUrl, callbackBody())).status).toBe(503);
  await command(redis.url, "SET", "reelgate:queue-layout", "1");
  await until(async () => (await post(ingress.callbackUrl, callbackBody())).status === 200);
});

test("the first start notes the number of shards, unless queues were in use before it was kept", async () => {
  await using redis = await startTestRedis();
  await using first = await startTestIngress(redis.url);
  await first.untilReady();
  expect(await command(redis.url, "GET", "reelgate:queue-layout")).toBe("1");
  expect((await post(first.callbackUrl, callbackBody())).status).toBe(200);
  await command(redis.url, "DEL", "reelgate:queue-layout");
  await using second = await startTestIngress(redis.url, {
    redis: { target: parseRedisUrl(redis.url), shardCount: 6 },
  });
  await second.log.waitFor((line) => String(line.msg).startsWith("QUEUE_SHARDS is 6"));
});

test("G1: nothing is acknowledged before Redis has told how many shards its queues have", async () => {
  await using redis = await startTestRedis();
  const keys = ["~reelgate:callbacks*", "~reelgate:media*", "~reelgate:ingress-probe"];
  await command(redis.url, "ACL", "SETUSER", "blind", "on", ">blind", "+@all", ...keys);
  const url = new URL(redis.url);
  [url.username, url.password] = ["blind", "blind"];
  await using ingress = await startTestIngress(url.href);
  const reasons = ["Redis has not told yet how many shards its queues have"];
  await until(
    async () =>
      JSON.stringify((await ingress.readiness()).body) ===
      JSON.stringify({ ready: false, reasons }),
  );
  expect((await post(ingress.callbackUrl, callbackBody())).status).toBe(503);
});
