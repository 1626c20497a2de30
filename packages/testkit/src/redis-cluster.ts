import { lastingPort } from "@reelgate/launcher/servers/tcp-port";
import { until } from "./latch.ts";
import { startRedisNode, untilRole } from "./redis-node.ts";
import type { RedisNode } from "./redis-node.ts";
import { testPassword } from "./redis-server.ts";

export interface RedisClusterOptions {
  masters?: number;
  /** In all: replica `i` belongs to master `i % masters`. */
  replicas?: number;
  /** After which silence a node counts as failed, in milliseconds. */
  nodeTimeoutMs?: number;
  /** For every node, beyond what makes it part of a durable cluster, by the names of redis.conf. */
  settings?: Readonly<Record<string, string>>;
}

/** A real Redis Cluster of this test's own, on random ports of 127.0.0.1. */
export interface TestRedisCluster extends AsyncDisposable {
  /** As REDIS_URL takes it, with every node. */
  readonly url: string;
  readonly nodes: readonly RedisNode[];
  /** The nodes that serve slots now, those that do not answer left out. */
  masters(): Promise<RedisNode[]>;
  /** The node that serves a slot now, by the word of a node that answers; null when none does. */
  masterOfSlot(slot: number): Promise<RedisNode | null>;
  /** The replicas of a master, by its own word. */
  replicasOf(master: RedisNode): Promise<RedisNode[]>;
  /**
   * Has a replica take over from its master, which must be alive, and waits for it.
   *
   * @returns the new master
   */
  failover(master?: RedisNode): Promise<RedisNode>;
  /** Waits until every slot is served, by the word of every node that answers. */
  untilHealthy(timeoutMs?: number): Promise<void>;
  stop(): Promise<void>;
}

const SLOTS = 16_384;
const HEALTH_TIMEOUT_MS = 20_000;

export async function startRedisCluster(
  options: RedisClusterOptions = {},
): Promise<TestRedisCluster> {
  const { masters: masterCount = 3, replicas = 3, nodeTimeoutMs = 2000, settings } = options;
  const password = testPassword();
  await using opened = new AsyncDisposableStack();
  const nodes = await Promise.all(
    Array.from({ length: masterCount + replicas }, async () => {
      const busPort = await lastingPort();
      const node = await startRedisNode({
        password,
        settings: {
          "cluster-enabled": "yes",
          "cluster-config-file": "nodes.conf",
          "cluster-node-timeout": String(nodeTimeoutMs),
          // By default 10000 above the port, which a random port leaves no room for.
          "cluster-port": String(busPort),
          "cluster-allow-replica-migration": "no",
          // A replica that was cut off for a while may still take over: who lost data is for the test to find.
          "cluster-replica-validity-factor": "0",
          masterauth: password,
          "repl-diskless-sync-delay": "0",
          ...settings,
        },
      });
      return opened.use(Object.assign(node, { busPort }));
    }),
  );
  await form(nodes, masterCount);
  const cluster = clusterOf(nodes, password);
  await cluster.untilHealthy();
  const running = opened.move();
  return Object.assign(cluster, {
    stop: () => running.disposeAsync(),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  });
}

type ClusterNode = RedisNode & { busPort: number };

/** What `redis-cli --cluster create` does, without its waits of whole seconds. */
async function form(nodes: readonly ClusterNode[], masterCount: number): Promise<void> {
  const [first] = nodes;
  if (first === undefined) throw new Error("a cluster needs a node");
  await Promise.all(
    nodes.map(async (node, index) => {
      // Distinct from the start: nodes with one epoch settle it between themselves, one at a time.
      await node.command("CLUSTER", "SET-CONFIG-EPOCH", String(index + 1));
      if (index >= masterCount) return;
      const from = Math.floor((SLOTS * index) / masterCount);
      const to = Math.floor((SLOTS * (index + 1)) / masterCount) - 1;
      await node.command("CLUSTER", "ADDSLOTSRANGE", String(from), String(to));
    }),
  );
  // Each to each: gossip alone takes seconds.
  for (const node of nodes) {
    await Promise.all(
      nodes
        .filter((other) => other !== node)
        .map((other) =>
          node.command("CLUSTER", "MEET", "127.0.0.1", String(other.port), String(other.busPort)),
        ),
    );
  }
  const ids = await Promise.all(nodes.map((node) => node.command("CLUSTER", "MYID").then(String)));
  await Promise.all(
    nodes.slice(masterCount).map((replica, index) =>
      until(
        async () => {
          // Refused until the handshake with the master is through.
          await replica.command("CLUSTER", "REPLICATE", ids[index % masterCount] ?? "");
          return true;
        },
        { intervalMs: 50, what: `a master for Redis on port ${replica.port}` },
      ),
    ),
  );
  await until(
    async () => {
      const views = await Promise.all(nodes.map(linesOf));
      return views.every(
        (lines) =>
          lines.length === nodes.length &&
          lines.filter(({ flags }) => flags.includes("slave")).length ===
            nodes.length - masterCount &&
          lines.every(({ flags }) => !flags.includes("handshake")),
      );
    },
    { timeoutMs: HEALTH_TIMEOUT_MS, intervalMs: 50, what: "a cluster that all nodes know" },
  );
  await Promise.all(
    nodes.slice(masterCount).map((replica) =>
      until(
        async () =>
          /master_link_status:up/u.test(String(await replica.command("INFO", "replication"))),
        {
          intervalMs: 50,
          what: `the replication to port ${replica.port}`,
        },
      ),
    ),
  );
}

interface NodeLine {
  id: string;
  port: number;
  flags: readonly string[];
  masterId: string;
  slots: readonly (readonly [from: number, to: number])[];
}

/** CLUSTER NODES as one node sees it. */
async function linesOf(node: RedisNode): Promise<NodeLine[]> {
  const text = String(await node.command("CLUSTER", "NODES"));
  return text
    .trim()
    .split("\n")
    .map((line) => {
      const [id = "", address = "", flags = "", masterId = "", , , , , ...slots] = line.split(" ");
      return {
        id,
        port: Number(/:(\d+)@/u.exec(address)?.[1]),
        flags: flags.split(","),
        masterId,
        slots: slots
          .filter((slot) => !slot.startsWith("["))
          .map((slot) => {
            const [from = "", to = from] = slot.split("-");
            return [Number(from), Number(to)] as const;
          }),
      };
    });
}

function clusterOf(
  nodes: readonly RedisNode[],
  password: string,
): Omit<TestRedisCluster, "stop" | typeof Symbol.asyncDispose> {
  const views = async (): Promise<NodeLine[][]> => {
    const running = nodes.filter(({ pid }) => pid !== 0);
    const settled = await Promise.allSettled(running.map(linesOf));
    return settled.flatMap((view) => (view.status === "fulfilled" ? [view.value] : []));
  };
  const servesSlots = ({ flags, slots }: NodeLine): boolean =>
    slots.length > 0 && flags.includes("master") && !flags.includes("fail");
  /** By its own word: another node may not have heard yet. */
  const mastersNow = async (): Promise<{ node: RedisNode; line: NodeLine }[]> =>
    (await views()).flatMap((lines) => {
      const line = lines.find(({ flags }) => flags.includes("myself"));
      const node = nodes.find(({ port }) => port === line?.port);
      return line !== undefined && node !== undefined && servesSlots(line) ? [{ node, line }] : [];
    });
  return {
    url: `redis+cluster://:${password}@${nodes.map(({ port }) => `127.0.0.1:${port}`).join(",")}`,
    nodes,
    masters: async () => (await mastersNow()).map(({ node }) => node),
    async masterOfSlot(slot) {
      const found = (await mastersNow()).find(({ line }) =>
        line.slots.some(([from, to]) => slot >= from && slot <= to),
      );
      return found?.node ?? null;
    },
    async replicasOf(master) {
      const lines = await linesOf(master);
      const self = lines.find(({ flags }) => flags.includes("myself"));
      return nodes.filter((node) =>
        lines.some(({ port, masterId }) => port === node.port && masterId === self?.id),
      );
    },
    async failover(given) {
      const master = given ?? (await this.masters())[0];
      if (master === undefined) throw new Error("no master answers");
      const [replica] = await this.replicasOf(master);
      if (replica === undefined) throw new Error(`Redis on port ${master.port} has no replica`);
      await replica.command("CLUSTER", "FAILOVER");
      await untilRole(replica, "master", HEALTH_TIMEOUT_MS);
      return replica;
    },
    async untilHealthy(timeoutMs = HEALTH_TIMEOUT_MS) {
      await until(
        async () => {
          const running = nodes.filter(({ pid }) => pid !== 0);
          const infos = await Promise.all(running.map((node) => node.command("CLUSTER", "INFO")));
          const agreed = await views();
          return (
            infos.every((info) => /cluster_state:ok/u.test(String(info))) &&
            agreed.every((lines) => slotsServed(lines.filter(servesSlots)) === SLOTS)
          );
        },
        { timeoutMs, intervalMs: 50, what: "a cluster whose slots are all served" },
      );
    },
  };
}

function slotsServed(lines: readonly NodeLine[]): number {
  return lines.flatMap(({ slots }) => slots).reduce((sum, [from, to]) => sum + to - from + 1, 0);
}
