import { startHalfOpenProxy } from "@reelgate/testkit/half-open-proxy";
import { until } from "@reelgate/testkit/latch";
import { startTestRedis } from "@reelgate/testkit/redis-server";
import { expect, onTestFinished, test } from "vitest";
import { checkRedisDurability, createRedis } from "../src/redis.ts";
import type { RedisClient } from "../src/redis.ts";

async function connected(url: string): Promise<RedisClient> {
  const client = createRedis({ url, role: "producer", name: "test", onError: () => undefined });
  onTestFinished(() => client.disconnect());
  await until(() => client.status === "ready", { what: "the connection to Redis" });
  return client;
}

test("a Redis that writes to disk before it replies is durable", async () => {
  await using redis = await startTestRedis();
  expect(await checkRedisDurability(await connected(redis.url))).toEqual({ durable: true });
});

test.each([
  ["appendonly", "no"],
  ["appendfsync", "everysec"],
  ["appendfsync", "no"],
  ["no-appendfsync-on-rewrite", "yes"],
  ["maxmemory-policy", "allkeys-lru"],
  ["maxmemory-policy", "volatile-ttl"],
])("a Redis with %s %s is not", async (name, value) => {
  await using redis = await startTestRedis({ settings: { [name]: value } });
  const durability = await checkRedisDurability(await connected(redis.url));
  expect(durability).toMatchObject({ durable: false });
  expect(JSON.stringify(durability)).toContain(`${name}=${value}`);
});

test("a Redis that does not let itself be asked counts as not durable", async () => {
  await using redis = await startTestRedis({ settings: { "rename-command": "CONFIG secret" } });
  expect(await checkRedisDurability(await connected(redis.url))).toMatchObject({
    durable: false,
    reason: expect.stringContaining("refuses CONFIG GET"),
  });
});

test("a user without the right to ask counts as not durable", async () => {
  await using redis = await startTestRedis();
  const client = await connected(redis.url);
  await client.call("ACL", "SETUSER", "limited", "on", ">pass", "~*", "+@all", "-config");
  const url = new URL(redis.url);
  url.username = "limited";
  url.password = "pass";
  expect(await checkRedisDurability(await connected(url.href))).toMatchObject({ durable: false });
});

test("a producer's command ends within two seconds when no reply comes, and its connection too", async () => {
  await using redis = await startTestRedis();
  await using proxy = await startHalfOpenProxy(redis.port);
  const client = await connected(proxy.through(redis.url));
  const acceptedBefore = proxy.acceptedCount;
  await proxy.set("blackhole");
  const startedAtMs = performance.now();
  await expect(client.ping()).rejects.toThrow("Command timed out");
  expect(performance.now() - startedAtMs).toBeLessThan(2300);
  await until(() => proxy.acceptedCount > acceptedBefore, {
    what: "a new connection in place of the dead one",
    timeoutMs: 1500,
  });
});

test("a producer's command fails at once while there is no connection, and works again after", async () => {
  await using redis = await startTestRedis();
  const client = await connected(redis.url);
  await redis.kill("SIGKILL");
  await until(() => client.status !== "ready");
  const startedAtMs = performance.now();
  await expect(client.ping()).rejects.toThrow("Stream isn't writeable");
  expect(performance.now() - startedAtMs).toBeLessThan(100);
  await redis.restart();
  expect(await until(() => client.ping(), { timeoutMs: 5000 })).toBe("PONG");
});
