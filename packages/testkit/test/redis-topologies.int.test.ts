import { startRedisCluster } from "@reelgate/testkit/redis-cluster";
import { startRedisSentinel } from "@reelgate/testkit/redis-sentinel";
import { until } from "@reelgate/testkit/latch";
import { expect, test } from "vitest";

test("a test Sentinel set-up promotes its replica, and the old master comes back as one", async () => {
  await using redis = await startRedisSentinel();
  const first = await redis.master();
  await redis.failover();
  await first.restart();
  expect(await first.role()).toBe("replica");
  expect(await redis.master()).not.toBe(first);
});

test("a test cluster serves every slot, and a replica takes over on demand", async () => {
  await using redis = await startRedisCluster({ masters: 3, replicas: 3 });
  expect(await redis.masters()).toHaveLength(3);
  const first = await redis.masterOfSlot(0);
  if (first === null) throw new Error("nobody serves slot 0");
  const second = await redis.failover(first);
  await until(async () => (await redis.masterOfSlot(0)) === second);
  await redis.untilHealthy();
  await until(async () => (await redis.replicasOf(second))[0] === first);
  expect(await first.role()).toBe("replica");
});
