import { reportConfig } from "@reelgate/shared/config-report";
import type { ConfigReport } from "@reelgate/shared/config-report";
import {
  OPS_ENV,
  TRACING_ENV,
  boolean,
  choice,
  configInvalid,
  integerBetween,
  listOf,
  optional,
  readEnv,
  text,
  tracingConfig,
} from "@reelgate/shared/env";
import type { EnvVariable } from "@reelgate/shared/env";
import { REDIS_ENV, redisConfig } from "@reelgate/shared/redis-env";
import type { RedisConfig } from "@reelgate/shared/redis-env";
import type { TracingConfig } from "@reelgate/shared/tracing/tracing";

/** `require` answers 503 while Redis does not write to disk before it replies; `warn` accepts and says so. */
export type DurabilityPolicy = "require" | "warn";

/** Every variable of the ingress. `docs/configuration.md` is made from it. */
export const INGRESS_ENV: {
  PORT: EnvVariable<number>;
  HOST: EnvVariable<string>;
  CALLBACK_KEYS: EnvVariable<string[]>;
  ALLOW_UNSIGNED: EnvVariable<boolean>;
  CALLBACK_GRACE_S: EnvVariable<number>;
  CALLBACK_PATH_TOKEN: EnvVariable<string | null>;
  MAX_BODY_BYTES: EnvVariable<number>;
  MAX_IN_FLIGHT: EnvVariable<number>;
  MAX_IN_FLIGHT_BYTES: EnvVariable<number>;
  MAX_CONNECTIONS: EnvVariable<number>;
  MAX_QUEUE_LENGTH: EnvVariable<number>;
  REDIS_MAX_MEMORY_PERCENT: EnvVariable<number>;
  RATE_LIMIT_REQUESTS: EnvVariable<number>;
  RATE_LIMIT_WINDOW_S: EnvVariable<number>;
  TRUST_PROXY: EnvVariable<number>;
  REDIS_DURABILITY: EnvVariable<DurabilityPolicy>;
  REDIS_MIN_REPLICAS_ACK: EnvVariable<number>;
  SPOOL_DIR: EnvVariable<string | null>;
  SPOOL_MAX_BYTES: EnvVariable<number>;
} & typeof REDIS_ENV &
  typeof OPS_ENV &
  typeof TRACING_ENV = {
  PORT: {
    parse: integerBetween(0, 65535),
    description: "Public port on which callbacks are received; 0 picks a free one.",
    example: "8080",
    default: "8080",
  },
  HOST: {
    parse: text,
    description: "Address on which callbacks are received.",
    example: "0.0.0.0",
    default: "0.0.0.0",
  },
  CALLBACK_KEYS: {
    parse: listOf(callbackKey),
    description:
      "Keys of the callback templates, comma-separated; any of them may have signed. Required unless ALLOW_UNSIGNED=true.",
    example: "oldKey123,newKey456",
    default: "",
    secret: true,
  },
  ALLOW_UNSIGNED: {
    parse: boolean,
    description:
      "Accepts callbacks without looking at `sign` and `t`, for callback templates that have no key: anyone who reaches the port can then make recordings up.",
    example: "true",
    default: "false",
  },
  CALLBACK_GRACE_S: {
    parse: integerBetween(0, 604_800),
    description:
      "Seconds after `t` in which a callback is still accepted. The provider goes on retrying for longer than `t` lasts.",
    example: "900",
    default: "0",
  },
  CALLBACK_PATH_TOKEN: {
    parse: optional(pathToken),
    description:
      "Makes /callbacks/css/<token> the only path for callbacks. At least 8 url-safe characters, better 16 or more.",
    example: "f3kQ9-vT2_xLw8Zr",
    default: "",
    secret: true,
  },
  MAX_BODY_BYTES: {
    parse: integerBetween(1024, 16_777_216),
    description: "Largest body of a callback, in bytes.",
    example: "65536",
    default: "65536",
  },
  MAX_IN_FLIGHT: {
    parse: integerBetween(1, 100_000),
    description: "Callbacks that may wait for Redis at the same time; beyond it the answer is 503.",
    example: "1000",
    default: "1000",
  },
  MAX_IN_FLIGHT_BYTES: {
    parse: integerBetween(65_536, 17_179_869_184),
    description:
      "Memory of all bodies that arrive or wait for Redis, in bytes; beyond it the slowest sender is answered 503. The process takes a few times as much.",
    example: "67108864",
    default: "67108864",
  },
  MAX_CONNECTIONS: {
    parse: integerBetween(10, 1_000_000),
    description:
      "Connections to the public port, at about 12 KB each; beyond it the one that has been without an answer for the longest is closed. Never more than the process may open files.",
    example: "10000",
    default: "10000",
  },
  MAX_QUEUE_LENGTH: {
    parse: integerBetween(0, 1_000_000_000),
    description:
      "Callbacks that may wait in Redis; beyond it they go to the spool, or are answered 503. 0 for as many as REDIS_MAX_MEMORY_PERCENT allows.",
    example: "500000",
    default: "0",
  },
  REDIS_MAX_MEMORY_PERCENT: {
    parse: integerBetween(10, 100),
    description:
      "Share of Redis' maxmemory beyond which callbacks go to the spool, or are answered 503: the workers need the rest to go on. 100 for no bound but Redis' own.",
    example: "90",
    default: "90",
  },
  RATE_LIMIT_REQUESTS: {
    parse: integerBetween(0, 10_000_000),
    description:
      "POST requests to the callback path that one address (of IPv6, one /64) may make in a window, over all replicas; beyond it the answer is 429. 0 for no limit. The provider must not meet it: it gives a callback up after twelve refusals.",
    example: "6000",
    default: "0",
  },
  RATE_LIMIT_WINDOW_S: {
    parse: integerBetween(1, 3600),
    description: "Length of the window of RATE_LIMIT_REQUESTS, in seconds.",
    example: "60",
    default: "60",
  },
  TRUST_PROXY: {
    parse: integerBetween(0, 32),
    description:
      "Reverse proxies in front of this port that set X-Forwarded-For; 0 takes the address of the connection.",
    example: "1",
    default: "0",
  },
  REDIS_DURABILITY: {
    parse: choice("require", "warn"),
    description:
      "What to do while Redis does not write to disk before it replies: `require` answers 503, `warn` accepts callbacks that a crash of Redis can lose.",
    example: "require",
    default: "require",
  },
  REDIS_MIN_REPLICAS_ACK: {
    parse: integerBetween(0, 16),
    description:
      "Replicas of Redis that must have a callback, beside the disk of the master, before it is answered 200. With fewer it goes to the spool, or is answered 503. 0 asks none.",
    example: "1",
    default: "0",
  },
  SPOOL_DIR: {
    parse: optional(text),
    description:
      "Folder on a local disk that survives this process, in which callbacks wait while Redis takes none; replicas may share it. Without it they are answered 503 meanwhile.",
    example: "/var/lib/reelgate/spool",
    default: "",
  },
  SPOOL_MAX_BYTES: {
    parse: integerBetween(1_048_576, Number.MAX_SAFE_INTEGER),
    description:
      "Largest size of one replica's spool, in bytes; a callback of 1 KB takes 1.3 KB of it. Beyond it the answer is 503.",
    example: "1073741824",
    default: "1073741824",
  },
  ...REDIS_ENV,
  ...OPS_ENV,
  ...TRACING_ENV,
};

export interface IngressConfig {
  host: string;
  port: number;
  /** Empty exactly when unsigned callbacks are allowed. */
  callbackKeys: readonly string[];
  callbackGraceS: number;
  callbackPathToken: string | null;
  maxBodyBytes: number;
  maxInFlight: number;
  maxInFlightBytes: number;
  maxConnections: number;
  /** 0: no bound. */
  maxQueueLength: number;
  redisMaxMemoryPercent: number;
  /** `requests` 0: no limit. */
  rateLimit: { requests: number; windowS: number };
  /** How many proxies in front are trusted to name the client's address. */
  trustProxyHops: number;
  redis: RedisConfig;
  redisDurability: DurabilityPolicy;
  /** How many replicas must have a callback before it is acknowledged. */
  redisMinReplicasAck: number;
  /** Null: no spool. */
  spoolDir: string | null;
  spoolMaxBytes: number;
  opsHost: string;
  opsPort: number;
  tracing: TracingConfig;
  logLevel: string;
  shutdownGraceMs: number;
}

/**
 * Reads the configuration of the ingress.
 *
 * @throws AppError `config_invalid` naming every variable that is not usable.
 */
export function readIngressConfig(
  env: Readonly<Record<string, string | undefined>> = process.env,
): IngressConfig {
  const values = readEnv(INGRESS_ENV, env);
  const unsigned = values.ALLOW_UNSIGNED;
  if (values.CALLBACK_KEYS.length === 0 && !unsigned) {
    throw configInvalid([
      `CALLBACK_KEYS is not set: without a key anyone could send callbacks. Example: CALLBACK_KEYS=${INGRESS_ENV.CALLBACK_KEYS.example}, or ALLOW_UNSIGNED=true if that is wanted`,
    ]);
  }
  if (values.CALLBACK_KEYS.length > 0 && unsigned) {
    throw configInvalid([
      "ALLOW_UNSIGNED=true and CALLBACK_KEYS contradict each other: unset one of them",
    ]);
  }
  if (values.MAX_IN_FLIGHT_BYTES < values.MAX_BODY_BYTES) {
    throw configInvalid([
      `MAX_IN_FLIGHT_BYTES=${values.MAX_IN_FLIGHT_BYTES} has no room for one body of MAX_BODY_BYTES=${values.MAX_BODY_BYTES}. Example: MAX_IN_FLIGHT_BYTES=${INGRESS_ENV.MAX_IN_FLIGHT_BYTES.example}`,
    ]);
  }
  return {
    host: values.HOST,
    port: values.PORT,
    callbackKeys: values.CALLBACK_KEYS,
    callbackGraceS: values.CALLBACK_GRACE_S,
    callbackPathToken: values.CALLBACK_PATH_TOKEN,
    maxBodyBytes: values.MAX_BODY_BYTES,
    maxInFlight: values.MAX_IN_FLIGHT,
    maxInFlightBytes: values.MAX_IN_FLIGHT_BYTES,
    maxConnections: values.MAX_CONNECTIONS,
    maxQueueLength: values.MAX_QUEUE_LENGTH,
    redisMaxMemoryPercent: values.REDIS_MAX_MEMORY_PERCENT,
    rateLimit: { requests: values.RATE_LIMIT_REQUESTS, windowS: values.RATE_LIMIT_WINDOW_S },
    trustProxyHops: values.TRUST_PROXY,
    redis: redisConfig(values),
    redisDurability: values.REDIS_DURABILITY,
    redisMinReplicasAck: values.REDIS_MIN_REPLICAS_ACK,
    spoolDir: values.SPOOL_DIR,
    spoolMaxBytes: values.SPOOL_MAX_BYTES,
    opsHost: values.OPS_HOST,
    opsPort: values.OPS_PORT,
    tracing: tracingConfig(values),
    logLevel: values.LOG_LEVEL,
    shutdownGraceMs: values.SHUTDOWN_GRACE_MS,
  };
}

/** The messages of these two name no value: they are shown, the values are secret. */
function callbackKey(value: string): string {
  if (!/^[\u0021-\u002b\u002d-\u007e]{1,256}$/u.test(value)) {
    throw new Error("has a key with characters other than printable ASCII without spaces");
  }
  return value;
}

function pathToken(value: string): string {
  if (!/^[\w-]{8,256}$/u.test(value)) {
    throw new Error("is not 8 to 256 characters out of A-Z, a-z, 0-9, - and _");
  }
  return value;
}

/** What is wrong with the configuration, or its values, without starting anything. */
export function checkIngressConfig(
  env: Readonly<Record<string, string | undefined>> = process.env,
): ConfigReport {
  return reportConfig("ingress", INGRESS_ENV, env, readIngressConfig);
}
