import { until } from "@reelgate/testkit/latch";
import { startRedisCluster } from "@reelgate/testkit/redis-cluster";
import { startTlsCluster, startTlsRedis, startTlsSentinel } from "@reelgate/testkit/tls-redis";
import { expect, onTestFinished, test } from "vitest";
import { keySlot, shardsOf } from "../src/contract/queue-shards.ts";
import { confirmQueueLayout } from "../src/queue-layout.ts";
import { checkRedisDurability, createRedis, holderOf, mastersOf, pingRedis } from "../src/redis.ts";
import type { RedisClient, RedisRole } from "../src/redis.ts";
import { readRedisMemory } from "../src/redis-memory.ts";
import { parseRedisUrl } from "../src/redis-url.ts";

async function connected(url: string, role: RedisRole = "producer"): Promise<RedisClient> {
  const client = createRedis({ url, role, name: "test", onError: () => undefined });
  onTestFinished(() => client.disconnect());
  await until(() => client.status === "ready", { what: "the connection to Redis" });
  return client;
}

test("TLS with an own authority and an ACL user; the server must be who it is called", async () => {
  await using server = await startTlsRedis();
  const { redis, tlsPort, ca } = server;
  const admin = await connected(redis.url);
  await admin.call(
    "ACL",
    "SETUSER",
    "queues",
    "on",
    ">p@ss",
    "~reelgate:*",
    "+@all",
    "-@dangerous",
    "+info",
  );
  const url = (host: string): string => `rediss://queues:p%40ss@${host}:${tlsPort}`;
  const open = (
    host: string,
    tls: { ca: string | null },
  ): { problem: () => string; client: RedisClient } => {
    let problem = "";
    const client = createRedis({
      target: { ...parseRedisUrl(url(host)), tls },
      role: "producer",
      name: "test",
      onError: (error) => {
        problem = error.message;
      },
    });
    onTestFinished(() => client.disconnect());
    return { client, problem: () => problem };
  };
  const { client } = open("127.0.0.1", { ca });
  await until(() => client.status === "ready");
  expect(await client.call("ACL", "WHOAMI").catch(String)).toBe("queues");
  await client.set("reelgate:test", "1");
  await expect(client.set("other", "1")).rejects.toThrow("NOPERM");
  const unknown = open("127.0.0.1", { ca: null });
  await until(() => /self-signed certificate/u.test(unknown.problem()));
  const misnamed = open("localhost", { ca });
  await until(() => /altnames/u.test(misnamed.problem()));
});

test("TLS reaches the Sentinels and the master that they name, and every node of a cluster", async () => {
  await using master = await startTlsRedis();
  await using sentinel = await startTlsSentinel(master);
  await using cluster = await startTlsCluster();
  const { password } = new URL(cluster.redis.url);
  const urls = [
    { url: sentinel.url, ...master },
    { url: `rediss+cluster://:${password}@127.0.0.1:${cluster.tlsPort}`, ...cluster },
  ];
  for (const { url, ca, tlsPort } of urls) {
    const open = (as: string, tls: { ca: string | null } | null): RedisClient => {
      const client = createRedis({
        target: { ...parseRedisUrl(as), tls },
        role: "producer",
        name: "test",
        onError: () => undefined,
      });
      onTestFinished(() => client.disconnect());
      return client;
    };
    const trusting = open(url, { ca });
    await until(() => trusting.status === "ready", { what: "the connection" });
    expect(await trusting.set("reelgate:test", "1")).toBe("OK");
    expect(mastersOf(trusting)[0]).toMatchObject({
      stream: { encrypted: true, remotePort: tlsPort },
    });
    // What BullMQ makes for itself of a connection.
    const copy = (trusting as { duplicate: () => RedisClient }).duplicate();
    onTestFinished(() => copy.disconnect());
    await until(() => copy.status === "ready", { what: "another connection" });

    for (const [as, tls] of [
      [url, { ca: null }],
      [url.replace("127.0.0.1", "localhost"), { ca }],
      [url.replace("rediss", "redis"), null],
    ] as const) {
      const refused = open(as, tls);
      let attempts = 0;
      refused.on("reconnecting", () => attempts++);
      refused.on("error", () => attempts++);
      await until(() => attempts >= 2, { what: "two attempts that fail" });
      expect(refused.status).not.toBe("ready");
    }
  }
});

test("a cluster: keys are where they are computed to be, each master is asked, and one away is bounded", async () => {
  await using redis = await startRedisCluster({
    masters: 3,
    replicas: 0,
    settings: { "cluster-require-full-coverage": "no" },
  });
  const producer = await connected(redis.url);
  const worker = await connected(redis.url, "worker");
  const idle = await connected(redis.url);
  await pingRedis(idle);
  expect(mastersOf(producer)).toHaveLength(3);
  expect(await checkRedisDurability(producer)).toEqual({ durable: true });
  const key = shardsOf("callbacks", 12)[0]?.name ?? "";
  expect(keySlot(key)).toBe(await producer.call("CLUSTER", "KEYSLOT", key));
  const node = await redis.masterOfSlot(keySlot(key));
  expect(holderOf(producer, key).address).toBe(`127.0.0.1:${node?.port}`);
  await node?.command("CONFIG", "SET", "appendfsync", "everysec");
  expect(await checkRedisDurability(producer)).toEqual({
    durable: false,
    reason: `Redis has appendfsync=everysec, not always (on 127.0.0.1:${node?.port})`,
  });
  await node?.command("CONFIG", "SET", "maxmemory", "64mb");
  expect(await readRedisMemory(producer)).toMatchObject({ maxBytes: 64 * 1_048_576 });

  expect(await confirmQueueLayout(producer, 12)).toEqual({ agrees: true });
  expect(await confirmQueueLayout(producer, 6)).toMatchObject({
    agrees: false,
    problem: expect.stringContaining("made with 12. Set QUEUE_SHARDS=12 in every app"),
  });

  await node?.kill("SIGKILL");
  const startedAtMs = performance.now();
  const unreachable = /Too many Cluster redirections|Connection is closed|timed out/u;
  await expect(producer.set(key, "1")).rejects.toThrow(unreachable);
  expect(performance.now() - startedAtMs).toBeLessThan(2300);
  await expect(pingRedis(producer)).rejects.toThrow(/is not connected|Connection is closed/u);
  const elsewhere = shardsOf("callbacks", 12)[11]?.name ?? "";
  expect(await producer.set(elsewhere, "1")).toBe("OK");
  const patient = worker.set(key, "1");
  await node?.restart();
  expect(await patient).toBe("OK");
  expect(await until(() => producer.set(key, "2"), { timeoutMs: 5000 })).toBe("OK");
  // A client that sends nothing to the node finds it again as well.
  await until(
    () =>
      pingRedis(idle).then(
        () => true,
        () => false,
      ),
    { timeoutMs: 12_000, what: "an idle client's connection to the master" },
  );

  await node?.kill("SIGSTOP");
  const stoppedAtMs = performance.now();
  await expect(producer.set(key, "3")).rejects.toThrow(unreachable);
  expect(performance.now() - stoppedAtMs).toBeLessThan(2300);
  await node?.kill("SIGCONT");
  expect(await until(() => producer.set(key, "4"), { timeoutMs: 5000 })).toBe("OK");
});
