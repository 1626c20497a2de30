import { shardIndexOf, shardsOf, keySlot } from "@reelgate/shared/contract/queue-shards";
import { until } from "@reelgate/testkit/latch";
import { startRedisCluster } from "@reelgate/testkit/redis-cluster";
import type { RedisNode } from "@reelgate/testkit/redis-node";
import { startRedisSentinel } from "@reelgate/testkit/redis-sentinel";
import { expect, test } from "vitest";
import { allCallbacks, untilNoOpenJobs, untilSettled } from "@reelgate/testkit/catalogue-audit";
import { auditByCommand } from "@reelgate/testkit/audit-command";
import { recordingNamed, signed } from "./support/callbacks.ts";
import { startLoad } from "./support/load.ts";
import type { Load } from "./support/load.ts";
import { startProduct } from "./support/product.ts";
import type { Ingress, Product } from "./support/product.ts";

/** Callbacks before the kill, and after it. */
const ENOUGH = 150;
/** What was in hand at the kill stalls first: its lock lasts 30 s, and is looked for every 15 s. */
const SETTLED_MS = 90_000;

/**
 * Kills a master under load. Replication is asynchronous: what Redis had acknowledged and its replica had not yet is
 * lost by the kill, and is no fault of the ingress. So the ingress stands still until the replica has everything.
 */
async function killUnderLoad(ingress: Ingress, load: Load, victim: RedisNode): Promise<void> {
  await until(() => load.acknowledged.size >= ENOUGH, { what: "callbacks before the kill" });
  await ingress.kill("SIGSTOP");
  await until(async () => isReplicated(String(await victim.command("INFO", "replication"))), {
    what: "a replica that has everything",
  });
  await victim.kill("SIGKILL");
  await ingress.kill("SIGCONT");
}

function isReplicated(info: string): boolean {
  const master = /^master_repl_offset:(\d+)/mu.exec(info)?.[1];
  return master !== undefined && info.includes(`offset=${master},`);
}

async function expectAllSettledOnce(
  product: Product,
  redisUrl: string,
  load: Load,
): Promise<string[]> {
  const before = load.acknowledged.size;
  await until(() => load.acknowledged.size >= before + ENOUGH, {
    what: "callbacks after the failover",
    timeoutMs: 30_000,
  });
  await load.stop();
  expect(load.acknowledged).toEqual(load.sent);
  await untilSettled(product.db, load.sent.size, SETTLED_MS);
  await untilNoOpenJobs(redisUrl, "callbacks", SETTLED_MS);
  const ids = (await allCallbacks(product.db)).map(({ id }) => id);
  expect(ids.length).toBe(load.sent.size);
  expect(new Set(ids)).toEqual(load.sent);
  const { databaseUrl } = product;
  expect(await auditByCommand({ redis: { url: redisUrl }, databaseUrl }, ids)).toEqual({
    code: 0,
    violations: [],
  });
  return ids;
}

const startSending = (ingress: Ingress): Load =>
  startLoad({
    url: ingress.callbackUrl,
    senders: 8,
    next: (index) => signed(recordingNamed(`failover-${index}`)),
  });

test("G1, G2: a master of a cluster is killed: its shards alone wait, and every callback is settled once", async () => {
  await using redis = await startRedisCluster({
    masters: 3,
    replicas: 3,
    nodeTimeoutMs: 1000,
    settings: { "cluster-require-full-coverage": "no" },
  });
  await using product = await startProduct();
  const env = { REDIS_URL: redis.url, QUEUE_SHARDS: "6" };
  const ingress = await product.startIngress(env);
  await product.startWorker({ ...env, WORKER_STAGES: "callbacks" });
  const dashboard = await product.startDashboard(env);
  await using load = startSending(ingress);

  const shards = shardsOf("callbacks", 6);
  const victim = await redis.masterOfSlot(keySlot(shards[0]?.name ?? ""));
  if (victim === null) throw new Error("nobody serves the first shard");
  const isOfVictim = await Promise.all(
    shards.map(async ({ name }) => (await redis.masterOfSlot(keySlot(name))) === victim),
  );
  const shardOf = (id: string): number => shardIndexOf(id, shards.length);
  await killUnderLoad(ingress, load, victim);
  const idsAtKill = new Set(load.acknowledged);
  const { status } = await fetch(`${ingress.url}/readyz`);
  expect(status).toBe(200);

  const ids = await expectAllSettledOnce(product, redis.url, load);
  const refused = load.answers.filter((answer) => answer.status !== 200);
  expect(refused.length).toBeGreaterThan(0);
  expect(new Set(ids.map(shardOf)).size).toBe(shards.length);
  expect(isOfVictim.filter(Boolean).length).toBe(2);
  const after = ids.filter((id) => !idsAtKill.has(id));
  expect(after.some((id) => isOfVictim[shardOf(id)])).toBe(true);

  const stats = (await (await dashboard.fetch("/api/stats")).json()) as {
    queues: Record<string, { completed: number }>;
  };
  expect(stats.queues["callbacks"]?.completed).toBe(ids.length);
  const board = (await (await dashboard.fetch("/queues/api/queues")).json()) as {
    queues: { name: string }[];
  };
  expect(board.queues.map(({ name }) => name).toSorted()).toEqual(
    [...shards, ...shardsOf("media", 6)].map(({ name }) => name).toSorted(),
  );
});

test("G1, G2: Sentinels replace a killed master: every callback is settled once", async () => {
  await using redis = await startRedisSentinel({ downAfterMs: 500 });
  await using product = await startProduct();
  const env = { REDIS_URL: redis.url };
  const ingress = await product.startIngress(env);
  await product.startWorker({ ...env, WORKER_STAGES: "callbacks" });
  await using load = startSending(ingress);
  const victim = await redis.master();
  await killUnderLoad(ingress, load, victim);
  await redis.untilReplaced(victim);
  await expectAllSettledOnce(product, redis.url, load);
});
