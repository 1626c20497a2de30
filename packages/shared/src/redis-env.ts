import { readFileSync } from "node:fs";
import { DEFAULT_CLUSTER_SHARDS, MAX_QUEUE_SHARDS } from "./contract/queue-shards.ts";
import { configInvalid, integerBetween, optional, text } from "./env.ts";
import { errorMessage } from "./errors.ts";
import type { EnvValues, EnvVariable } from "./env.ts";
import { parseRedisUrl } from "./redis-url.ts";
import type { RedisTarget } from "./redis-url.ts";

/** Every app must be given the same three. */
export const REDIS_ENV: {
  REDIS_URL: EnvVariable<RedisTarget>;
  REDIS_TLS_CA_FILE: EnvVariable<string | null>;
  QUEUE_SHARDS: EnvVariable<number | null>;
} = {
  REDIS_URL: {
    parse: parseRedisUrl,
    description:
      "The Redis that holds the queues: redis:// or rediss:// for one server, redis+sentinel://host,host/group/0?sentinel_password=… for whom Sentinels name, redis+cluster://host,host for a cluster; rediss+… for TLS.",
    example: "redis://:password@redis:6379/0",
    secret: true,
  },
  REDIS_TLS_CA_FILE: {
    parse: optional(text),
    description:
      "File of the certificates (PEM) that the TLS of Redis is checked against, instead of those that Node brings.",
    example: "/etc/reelgate/redis-ca.pem",
    default: "",
  },
  QUEUE_SHARDS: {
    parse: optional(integerBetween(1, MAX_QUEUE_SHARDS)),
    description: `Into how many queues each of the two is split, 1 to ${MAX_QUEUE_SHARDS}: the same in every app, and fixed by the first start. 1 when unset, ${DEFAULT_CLUSTER_SHARDS} for a cluster.`,
    example: String(DEFAULT_CLUSTER_SHARDS),
    default: "",
  },
};

export interface RedisConfig {
  target: RedisTarget;
  shardCount: number;
}

/** The same where REDIS_URL may be unset. */
interface OptionalRedisConfig {
  target: RedisTarget | null;
  /** Null: whatever Redis was set up with. */
  shardCount: number | null;
}

/**
 * What the variables of {@link REDIS_ENV} say together.
 *
 * @throws AppError `config_invalid` where they contradict each other.
 */
export function redisConfig(values: EnvValues<typeof REDIS_ENV>): RedisConfig {
  const { target, shardCount } = optionalRedisConfig(values);
  if (target === null) throw configInvalid(["REDIS_URL is not set"]);
  return { target, shardCount: shardCount ?? defaultShardCount(target) };
}

/** @throws AppError `config_invalid` where they contradict each other. */
export function optionalRedisConfig(values: {
  REDIS_URL: RedisTarget | null;
  REDIS_TLS_CA_FILE: string | null;
  QUEUE_SHARDS: number | null;
}): OptionalRedisConfig {
  const { REDIS_URL: target, REDIS_TLS_CA_FILE: caFile, QUEUE_SHARDS: shardCount } = values;
  const problems: string[] = [];
  if (target !== null && target.tls === null && caFile !== null) {
    problems.push(
      "REDIS_TLS_CA_FILE is set, and REDIS_URL is without TLS: begin it with rediss instead of redis, or unset REDIS_TLS_CA_FILE",
    );
  }
  if (target?.kind === "cluster" && shardCount === 1) {
    problems.push(
      `QUEUE_SHARDS is 1, and a cluster cannot hold a queue that is not split. Example: QUEUE_SHARDS=${DEFAULT_CLUSTER_SHARDS}`,
    );
  }
  let ca: string | null = null;
  try {
    if (caFile !== null) ca = readCertificates(caFile);
  } catch (error) {
    const shown = JSON.stringify(caFile);
    problems.push(
      `REDIS_TLS_CA_FILE: ${shown} ${errorMessage(error)}. Example: REDIS_TLS_CA_FILE=${REDIS_ENV.REDIS_TLS_CA_FILE.example}`,
    );
  }
  if (problems.length > 0) throw configInvalid(problems);
  return {
    target: target === null || target.tls === null ? target : { ...target, tls: { ca } },
    shardCount,
  };
}

export function defaultShardCount(target: RedisTarget): number {
  return target.kind === "cluster" ? DEFAULT_CLUSTER_SHARDS : 1;
}

function readCertificates(path: string): string {
  let pem: string;
  try {
    pem = readFileSync(path, "utf8");
  } catch (error) {
    const reason = error instanceof Error && "code" in error ? String(error.code) : "unknown";
    throw new Error(`cannot be read (${reason})`, { cause: error });
  }
  if (!pem.includes("-----BEGIN CERTIFICATE-----")) throw new Error("holds no PEM certificate");
  return pem;
}
