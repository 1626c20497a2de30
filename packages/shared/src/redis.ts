import { Cluster, Redis } from "ioredis";
import type { ClusterOptions, RedisOptions } from "ioredis";
import { keySlot } from "./contract/queue-shards.ts";
import { parseRedisUrl } from "./redis-url.ts";
import type { RedisTarget, RedisTls } from "./redis-url.ts";

/** One server, or the master that Sentinels name at the moment. */
export type { Redis } from "ioredis";

/** A client of whatever REDIS_URL names. Commands with a key go to who holds it, others to anyone. */
export type RedisClient = Redis | Cluster;

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

/**
 * The same for a cluster, whose client sends a command again while its slot has no master that answers, every 100 ms.
 *
 * - `producer`: gives up after half a second, and the callback goes to the spool.
 * - `worker`: holds out for longer than a failover takes (node timeout, and a second or two for the vote), so that the
 *   end of a job in hand is not lost. What is beyond it BullMQ tries again by itself.
 */
const CLUSTER_OPTIONS = {
  producer: { maxRedirections: 5, retryDelayOnFailover: 100, retryDelayOnClusterDown: 100 },
  worker: { maxRedirections: 200, retryDelayOnFailover: 100, retryDelayOnClusterDown: 100 },
} as const satisfies Record<RedisRole, ClusterOptions>;

/**
 * A node whose connection ended is connected to again when the slots are read again: at the next command to it, which an
 * idle client never sends. A dashboard was "not ready" for good after a master had been started again.
 */
const SLOTS_REFRESH_INTERVAL_MS = 5000;

export type CreateRedisOptions = {
  role: RedisRole;
  /** Shown by CLIENT LIST. */
  name: string;
  /** Every connection error; ioredis goes on reconnecting by itself. */
  onError: (error: Error) => void;
} & (
  | { target: RedisTarget }
  /** As REDIS_URL takes it. */
  | { url: string }
);

/** A replica stays one for seconds at least; each reconnect costs the replies that are under way. */
const READONLY_RECONNECT_INTERVAL_MS = 2000;
/** How long one Sentinel may take to name the master before the next one is asked. */
const SENTINEL_TIMEOUT_MS = 1000;

/** The only place that makes a Redis client. */
export function createRedis(options: CreateRedisOptions): RedisClient {
  const target = "target" in options ? options.target : parseRedisUrl(options.url);
  const client = clientOf(target, options);
  client.on("error", options.onError);
  // What a cluster's client says of one node; it goes on with the others.
  if (client instanceof Cluster) client.on("node error", options.onError);
  return client;
}

function clientOf(target: RedisTarget, { role, name }: CreateRedisOptions): RedisClient {
  const { username, password } = target.credentials;
  const common = {
    ...(username === null ? {} : { username }),
    ...(password === null ? {} : { password }),
    ...(target.tls === null ? {} : { tls: tlsOptions(target.tls) }),
    connectionName: name,
  };
  switch (target.kind) {
    case "single":
      return new Redis({
        ...ROLE_OPTIONS[role],
        ...common,
        ...target.endpoint,
        db: target.database,
        reconnectOnError: readonlyReconnect(),
      });
    case "sentinel": {
      const own = target.sentinelCredentials;
      return new Redis({
        ...ROLE_OPTIONS[role],
        ...common,
        sentinels: [...target.sentinels],
        name: target.group,
        db: target.database,
        ...(own.username === null ? {} : { sentinelUsername: own.username }),
        ...(own.password === null ? {} : { sentinelPassword: own.password }),
        ...(target.tls === null
          ? {}
          : { enableTLSForSentinelMode: true, sentinelTLS: tlsOptions(target.tls) }),
        sentinelCommandTimeout: SENTINEL_TIMEOUT_MS,
        sentinelRetryStrategy: ROLE_OPTIONS[role].retryStrategy,
        // Without ioredis' `failoverDetector`: a Sentinel's word of a new master that comes while the client connects ends
        // the client for good (6.0.0, `FailoverDetector#disconnect` in the middle of `SentinelConnector#connect`). An old
        // master loses its clients all the same: Sentinel ends them when it makes it a replica, `socketTimeout` gives up
        // one that stands still, and READONLY leads away from any other.
        reconnectOnError: readonlyReconnect(),
      });
    }
    case "cluster": {
      const { retryStrategy, ...nodeOptions } = ROLE_OPTIONS[role];
      return new Cluster([...target.nodes], {
        ...CLUSTER_OPTIONS[role],
        enableOfflineQueue: role === "worker",
        clusterRetryStrategy: retryStrategy,
        slotsRefreshTimeout: PRODUCER_TIMEOUT_MS,
        slotsRefreshInterval: SLOTS_REFRESH_INTERVAL_MS,
        // Names stay names: the certificate of a node is made out to its name.
        dnsLookup: (address, callback) => callback(null, address),
        redisOptions: { ...withoutOfflineQueue(nodeOptions), ...common },
      });
    }
    default:
      return target satisfies never;
  }
}

/** A cluster's client decides on queueing itself and needs it on its connections, to connect them when first used. */
function withoutOfflineQueue<T extends object>(options: T): Omit<T, "enableOfflineQueue"> {
  const { enableOfflineQueue: _own, ...others } = options as T & { enableOfflineQueue?: boolean };
  return others;
}

/** The name of the server is checked against its certificate, as Node does by itself. */
function tlsOptions({ ca }: RedisTls): NonNullable<RedisOptions["tls"]> {
  return ca === null ? {} : { ca };
}

/**
 * After a failover an old connection may lead to a replica, on which BullMQ's worker would loop hot. In a cluster a
 * replica says who is master instead.
 */
function readonlyReconnect(): NonNullable<RedisOptions["reconnectOnError"]> {
  let reconnectedAtMs = -Infinity;
  return (error) => {
    const nowMs = performance.now();
    const isDue = nowMs - reconnectedAtMs >= READONLY_RECONNECT_INTERVAL_MS;
    if (!isDue || !error.message.startsWith("READONLY")) return false;
    reconnectedAtMs = nowMs;
    return 1;
  };
}

/**
 * The servers that hold the data: each master of a cluster, or the one server.
 *
 * @throws Error when the client has no connection to one of them: what is asked of the others would be a part.
 */
export function mastersOf(client: RedisClient): readonly Redis[] {
  if (!(client instanceof Cluster)) return [client];
  const addresses = new Set(client.slots.flatMap((holders) => holders[0] ?? []));
  if (addresses.size === 0) throw new Error("No master of the cluster is known.");
  return [...addresses].map((address) => {
    const server = serverAt(client, address);
    if (server === null) throw new Error(`The master ${address} of the cluster is not connected.`);
    return server;
  });
}

function serverAt(client: Cluster, address: string): Redis | null {
  const isThere = ({ options }: Redis): boolean => `${options.host}:${options.port}` === address;
  return client.nodes().find(isThere) ?? null;
}

/** Asks every server that holds data whether it is there. Rejects when one does not answer, or none is known. */
export async function pingRedis(client: RedisClient): Promise<void> {
  await Promise.all(mastersOf(client).map((master) => master.ping()));
}

/** Who holds a key, as far as the client knows: an address, and the connection to it, if there is one. */
export interface KeyHolder {
  address: string;
  server: Redis | null;
}

/** Asks nobody. A reply to a command on the key that has come in just now came from there. */
export function holderOf(client: RedisClient, key: string): KeyHolder {
  if (!(client instanceof Cluster)) return { address: "", server: client };
  const address = client.slots[keySlot(key)]?.[0] ?? "";
  return { address, server: serverAt(client, address) };
}

/** Whether what Redis acknowledges is on its disk (guarantee G1). */
export type RedisDurability = { durable: true } | { durable: false; reason: string };

/**
 * Asks Redis, each master of a cluster, whether an acknowledged write survives the loss of the machine: `appendonly yes` with
 * `appendfsync always`, which `no-appendfsync-on-rewrite yes` would suspend during every rewrite, and `noeviction`,
 * without which a full Redis drops queued jobs to make room.
 *
 * A managed Redis may refuse CONFIG; then durability is unknown, which counts as not durable.
 */
export async function checkRedisDurability(client: RedisClient): Promise<RedisDurability> {
  const masters = mastersOf(client);
  for (const master of masters) {
    const durability = await durabilityOf(master);
    if (durability.durable) continue;
    if (masters.length === 1) return durability;
    const { host, port } = master.options;
    return { durable: false, reason: `${durability.reason} (on ${host}:${port})` };
  }
  return { durable: true };
}

async function durabilityOf(client: Redis): Promise<RedisDurability> {
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
