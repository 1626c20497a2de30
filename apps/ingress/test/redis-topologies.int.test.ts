import { keySlot, shardIndexOf, shardsOf } from "@reelgate/shared/contract/queue-shards";
import type { QueueShard } from "@reelgate/shared/contract/queue-shards";
import { parseRedisUrl } from "@reelgate/shared/redis-url";
import { until } from "@reelgate/testkit/latch";
import { startRedisCluster } from "@reelgate/testkit/redis-cluster";
import type { TestRedisCluster } from "@reelgate/testkit/redis-cluster";
import type { RedisNode } from "@reelgate/testkit/redis-node";
import { startRedisSentinel } from "@reelgate/testkit/redis-sentinel";
import { expect, test } from "vitest";
import { callbackBody, jobIdOf, post, startTestIngress } from "./ingress-fixture.ts";
import type { TestIngress } from "./ingress-fixture.ts";

test("G1: a new master is asked whether it is durable before anything is acknowledged from it", async () => {
  await using redis = await startRedisSentinel();
  await using ingress = await startTestIngress(redis.url);
  await ingress.untilReady();
  expect((await post(ingress.callbackUrl, callbackBody())).status).toBe(200);
  const old = await redis.master();
  const replica = redis.nodes.find((node) => node !== old);
  await replica?.command("CONFIG", "SET", "appendfsync", "everysec");
  await redis.failover();
  const reason = "Redis has appendfsync=everysec, not always";
  await until(async () => JSON.stringify((await ingress.readiness()).body).includes(reason), {
    what: "the new master, found out",
    timeoutMs: 20_000,
  });
  expect((await post(ingress.callbackUrl, callbackBody())).status).toBe(503);
  // What was answered 200 on the way is on the old master, which replicated it: nothing came from the new one.
  expect(Number(await replica?.command("LLEN", "reelgate:callbacks:wait"))).toBe(1);
});

test("G1: in a cluster a master that is not durable refuses its own shards alone", async () => {
  await using redis = await startRedisCluster({ masters: 3, replicas: 0 });
  const shards = shardsOf("callbacks", 6);
  await using ingress = await startTestIngress(
    redis.url,
    { redis: { target: parseRedisUrl(redis.url), shardCount: shards.length } },
    { recheckMs: 100 },
  );
  await ingress.untilReady();
  await until(async () => !JSON.stringify((await ingress.readiness()).body).includes("notes"));
  const victim = await redis.masterOfSlot(keySlot(shards[0]?.name ?? ""));
  await victim?.command("CONFIG", "SET", "appendfsync", "everysec");
  const note = "2 of 6 shards: Redis has appendfsync=everysec, not always";
  await until(async () => JSON.stringify((await ingress.readiness()).body).includes(note));
  expect((await ingress.readiness()).status).toBe(200);
  await expectRefusedByAlone(ingress, redis, shards, victim);
});

test("G1: in a cluster the replicas of a shard's own master acknowledge, and those of others do not count", async () => {
  await using redis = await startRedisCluster({ masters: 3, replicas: 3 });
  const shards = shardsOf("callbacks", 6);
  await using ingress = await startTestIngress(redis.url, {
    redis: { target: parseRedisUrl(redis.url), shardCount: shards.length },
    redisMinReplicasAck: 1,
  });
  await ingress.untilReady();
  await until(async () => !JSON.stringify((await ingress.readiness()).body).includes("notes"));
  const victim = await redis.masterOfSlot(keySlot(shards[0]?.name ?? ""));
  if (victim === null) throw new Error("nobody holds the first shard");
  for (const replica of await redis.replicasOf(victim)) await replica.kill("SIGSTOP");
  const note = "2 of 6 shards: 0 of 1 replicas of Redis acknowledged a write within 500 ms";
  await until(async () => JSON.stringify((await ingress.readiness()).body).includes(note), {
    what: "the silent replica, found out",
  });
  await expectRefusedByAlone(ingress, redis, shards, victim);
});

/** Sends callbacks until every shard had one: those of this master's shards are refused, and no others. */
async function expectRefusedByAlone(
  ingress: TestIngress,
  redis: TestRedisCluster,
  shards: readonly QueueShard[],
  victim: RedisNode | null,
): Promise<void> {
  const isOfVictim = await Promise.all(
    shards.map(async ({ name }) => (await redis.masterOfSlot(keySlot(name))) === victim),
  );
  const statuses = new Map<number, Set<number>>();
  const isComplete = (): boolean => statuses.size === shards.length;
  while (!isComplete()) {
    const body = callbackBody();
    const shard = shardIndexOf(jobIdOf(body), shards.length);
    const { status } = await post(ingress.callbackUrl, body);
    statuses.set(shard, (statuses.get(shard) ?? new Set()).add(status));
  }
  for (const [shard, found] of statuses) {
    expect(found, `shard ${shard}`).toEqual(new Set([isOfVictim[shard] === true ? 503 : 200]));
  }
}
