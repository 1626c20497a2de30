import { createRedis } from "@reelgate/shared/redis";
import { until } from "./latch.ts";
import { startTestRedis } from "./redis-server.ts";
import type { TestRedis, TestRedisOptions } from "./redis-server.ts";

export type RedisNodeRole = "master" | "replica";

/** One Redis of a Sentinel or Cluster set-up. It comes back on its port and data, in the role that the others gave it. */
export interface RedisNode extends TestRedis {
  /** What the node says of itself. Rejects while it does not answer. */
  role(): Promise<RedisNodeRole>;
  /** Sends one command to this node alone, whoever is master. */
  command(name: string, ...args: readonly string[]): Promise<unknown>;
}

export async function startRedisNode(options: TestRedisOptions): Promise<RedisNode> {
  const server = await startTestRedis(options);
  const command: RedisNode["command"] = (name, ...args) => ask(server.url, name, ...args);
  return Object.assign(server, { command, role: async () => roleOf(await command("ROLE")) });
}

/** One command over a connection of its own; it ends within two seconds. */
export async function ask(url: string, name: string, ...args: readonly string[]): Promise<unknown> {
  let trouble: Error | null = null;
  const client = createRedis({
    url,
    role: "producer",
    name: "testkit",
    onError: (error) => {
      trouble = error;
    },
  });
  try {
    await until(() => client.status === "ready", { timeoutMs: 2000, what: "the connection" }).catch(
      (error: unknown) => {
        throw trouble ?? error;
      },
    );
    return await client.call(name, ...args);
  } finally {
    client.disconnect();
  }
}

/** Polls until the node has the role. */
export async function untilRole(
  node: RedisNode,
  role: RedisNodeRole,
  timeoutMs: number,
): Promise<void> {
  await until(async () => (await node.role()) === role, {
    timeoutMs,
    intervalMs: 50,
    what: `Redis on port ${node.port} as ${role}`,
  });
}

/** ROLE answers `slave` for what everything else calls a replica. */
function roleOf(reply: unknown): RedisNodeRole {
  return Array.isArray(reply) && reply[0] === "master" ? "master" : "replica";
}
