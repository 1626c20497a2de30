import { pingRedis } from "@reelgate/launcher/servers/redis-ping";
import { startRedisCluster } from "@reelgate/testkit/redis-cluster";
import type { RedisNode } from "@reelgate/testkit/redis-node";
import { startRedisSentinel } from "@reelgate/testkit/redis-sentinel";
import { seen } from "../faults/injected.ts";
import type { Inject, Injectors } from "../faults/injected.ts";
import type { PlannedFault } from "../plan.ts";
import { memoryFault } from "../redis-side.ts";
import type { RedisSide } from "../redis-side.ts";

/** Nodes of which some serve and the others follow. */
interface Nodes {
  all: readonly RedisNode[];
  masters(): Promise<RedisNode[]>;
  /** Has a replica take over from this master. */
  failover(master: RedisNode): Promise<RedisNode>;
  /** Waits until all that must be served is served. */
  untilHealthy(): Promise<void>;
}

const SILENCE_MS = 400;

/**
 * Replication is asynchronous: a master that was replaced takes with it what no replica had. It stops taking writes when
 * none follows it, and the ingress acknowledges only what every replica has confirmed: a Sentinel chooses by offsets that
 * may be a second old, so the one that takes over may be the one that was behind.
 */
const SETTINGS = { "min-replicas-to-write": "1", "min-replicas-max-lag": "5" };
const SENTINEL_REPLICAS = 2;
const CLUSTER_REPLICAS_OF_EACH = 1;

const LIMITS = [
  "connections to Redis that hang or are slow: its clients connect to the addresses that the nodes announce",
];

/** A master with two replicas, and three Sentinels. */
export async function startSentinelRedis(): Promise<RedisSide> {
  const set = await startRedisSentinel({ replicas: SENTINEL_REPLICAS, settings: SETTINGS });
  return sideOf(set.url, SENTINEL_REPLICAS, () => set.stop(), {
    all: set.nodes,
    masters: async () => [await set.master()],
    failover: () => set.failover(),
    untilHealthy: async () => {
      await (await set.master()).command("PING");
    },
  });
}

/** Three masters with a replica each. */
export async function startClusterRedis(): Promise<RedisSide> {
  const cluster = await startRedisCluster({ settings: SETTINGS });
  return sideOf(cluster.url, CLUSTER_REPLICAS_OF_EACH, () => cluster.stop(), {
    all: cluster.nodes,
    masters: () => cluster.masters(),
    failover: (master) => cluster.failover(master),
    untilHealthy: () => cluster.untilHealthy(),
  });
}

function sideOf(
  url: string,
  replicasOfEach: number,
  stop: () => Promise<void>,
  nodes: Nodes,
): RedisSide {
  return {
    url,
    urlFor: () => url,
    proxyOf: () => null,
    appEnv: { REDIS_MIN_REPLICAS_ACK: String(replicasOfEach) },
    limits: LIMITS,
    injectors: faultsOf(nodes),
    [Symbol.asyncDispose]: stop,
  };
}

/** One of them, another one with each fault. */
function chosen(among: readonly RedisNode[], { number }: PlannedFault): RedisNode {
  const node = among[number % among.length];
  if (node === undefined) throw new Error("no such node of Redis answers");
  return node;
}

function faultsOf(nodes: Nodes): Injectors {
  const replicas = async (): Promise<RedisNode[]> => {
    const masters = await nodes.masters();
    return nodes.all.filter((node) => !masters.includes(node));
  };
  const kill =
    (among: () => Promise<RedisNode[]>): Inject =>
    async (fault) => {
      const node = chosen(await among(), fault);
      await node.kill("SIGKILL");
      return {
        effect: () =>
          Promise.resolve({ took: node.pid === 0, detail: `the node on ${node.port} is gone` }),
        heal: async () => {
          await node.restart();
          await nodes.untilHealthy();
        },
      };
    };
  return {
    "master-kill": kill(() => nodes.masters()),
    "replica-kill": kill(replicas),
    "master-stop": async (fault) => {
      const node = chosen(await nodes.masters(), fault);
      const password = new URL(node.url).password;
      await node.kill("SIGSTOP");
      return {
        effect: (withinMs) =>
          seen(
            `no answer from the node on ${node.port}`,
            withinMs,
            async () => !(await pingRedis(node.port, password, SILENCE_MS)).ready,
          ),
        heal: async () => {
          await node.kill("SIGCONT");
          await nodes.untilHealthy();
        },
      };
    },
    failover: async (fault) => {
      const before = chosen(await nodes.masters(), fault);
      const after = await nodes.failover(before);
      return {
        effect: () =>
          Promise.resolve({
            took: after.port !== before.port,
            detail: `${after.port} took over from ${before.port}`,
          }),
        heal: () => nodes.untilHealthy(),
      };
    },
    "redis-oom": memoryFault(async () => (await nodes.masters()).map(({ url }) => url)),
  };
}
