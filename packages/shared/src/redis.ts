import { Redis } from "ioredis";
import type { RedisOptions } from "ioredis";

export type { Redis } from "ioredis";

/**
 * How a connection behaves when Redis does not. The numbers and the reasons are those of BullMQ's own failure modes:
 *
 * - `producer`: someone waits for the answer, so every command ends within two seconds and fails at once while there is
 *   no connection. `commandTimeout` is what ends a command on a half-open connection; nothing else does.
 *   `socketTimeout` then gives up the connection itself, which TCP alone keeps for a quarter of an hour.
 * - `worker`: nobody waits, so commands wait for Redis to come back. No `commandTimeout`: it would break the blocking
 *   read that an idle worker sits in.
 */
export type RedisRole = "producer" | "worker";

/** Upper bound on any command of a producer, and on its connecting. */
export const PRODUCER_TIMEOUT_MS = 2000;

/** How long a worker's connection may owe an answer before it is given up. */
const WORKER_SILENCE_MS = 30_000;

const ROLE_OPTIONS = {
  producer: {
    connectTimeout: PRODUCER_TIMEOUT_MS,
    commandTimeout: PRODUCER_TIMEOUT_MS,
    socketTimeout: PRODUCER_TIMEOUT_MS,
    // The graceful end of a dead connection: ioredis waits for the peer's FIN before it connects again.
    disconnectTimeout: 200,
    // While Redis loads its AOF. The default of 10 s is how long callbacks would be refused for nothing afterwards.
    maxLoadingRetryTime: 500,
    maxRetriesPerRequest: 1,
    enableOfflineQueue: false,
    // Fast, since callbacks are refused meanwhile; with jitter, since all replicas lost Redis at the same instant.
    retryStrategy: (attempt: number): number =>
      Math.min(50 * 2 ** Math.min(attempt, 6), 1000) + Math.random() * 200,
  },
  worker: {
    // Three times the longest blocking read, which Redis answers within 10 s. Without it a half-open connection is
    // found out only when TCP gives up, after a quarter of an hour in which nothing is settled.
    socketTimeout: WORKER_SILENCE_MS,
    maxRetriesPerRequest: null,
    retryStrategy: (attempt: number): number => Math.min(200 * attempt, 2000),
  },
} as const satisfies Record<RedisRole, RedisOptions>;

export interface CreateRedisOptions {
  url: string;
  role: RedisRole;
  /** Shown by CLIENT LIST. */
  name: string;
  /** Every connection error; ioredis goes on reconnecting by itself. */
  onError: (error: Error) => void;
}

/** A replica stays one for seconds at least; each reconnect costs the replies that are under way. */
const READONLY_RECONNECT_INTERVAL_MS = 2000;

/**
 * The only place that makes a Redis client.
 *
 * `reconnectOnError` on READONLY: after a failover the old connection may lead to a replica; BullMQ's worker would
 * otherwise loop hot on it.
 */
export function createRedis(options: CreateRedisOptions): Redis {
  let reconnectedAtMs = -Infinity;
  const client = new Redis(options.url, {
    ...ROLE_OPTIONS[options.role],
    connectionName: options.name,
    reconnectOnError: (error) => {
      const nowMs = performance.now();
      const isDue = nowMs - reconnectedAtMs >= READONLY_RECONNECT_INTERVAL_MS;
      if (!isDue || !error.message.startsWith("READONLY")) return false;
      reconnectedAtMs = nowMs;
      return 1;
    },
  });
  client.on("error", options.onError);
  return client;
}

/** Whether what Redis acknowledges is on its disk (guarantee G1). */
export type RedisDurability = { durable: true } | { durable: false; reason: string };

/**
 * Asks Redis whether an acknowledged write survives the loss of the machine: `appendonly yes` with
 * `appendfsync always`, which `no-appendfsync-on-rewrite yes` would suspend during every rewrite, and `noeviction`,
 * without which a full Redis drops queued jobs to make room.
 *
 * A managed Redis may refuse CONFIG; then durability is unknown, which counts as not durable.
 */
export async function checkRedisDurability(client: Redis): Promise<RedisDurability> {
  const wanted = {
    appendonly: "yes",
    appendfsync: "always",
    "no-appendfsync-on-rewrite": "no",
    "maxmemory-policy": "noeviction",
  };
  for (const [name, value] of Object.entries(wanted)) {
    let reply: unknown;
    try {
      reply = await client.call("CONFIG", "GET", name);
    } catch (error) {
      if (error instanceof Error && /NOPERM|unknown command/iu.test(error.message)) {
        return {
          durable: false,
          reason: "Redis refuses CONFIG GET, so its durability cannot be checked",
        };
      }
      throw error;
    }
    const actual = configValue(reply, name);
    if (actual !== value) {
      return { durable: false, reason: `Redis has ${name}=${actual ?? "unknown"}, not ${value}` };
    }
  }
  return { durable: true };
}

/** CONFIG GET answers a flat array (RESP2) or a map (RESP3), which ioredis turns into an array, object or Map. */
function configValue(reply: unknown, name: string): string | null {
  const flat: unknown[] =
    reply instanceof Map
      ? [...reply].flat()
      : Array.isArray(reply)
        ? reply.flat()
        : typeof reply === "object" && reply !== null
          ? Object.entries(reply).flat()
          : [];
  const value = flat[flat.indexOf(name) + 1];
  return flat.includes(name) && typeof value === "string" ? value : null;
}
