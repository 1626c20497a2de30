import { isAbsolute, join } from "node:path";
import {
  boolean,
  choice,
  configInvalid,
  integerBetween,
  optional,
  readEnv,
  text,
  urlWithScheme,
} from "@reelgate/shared/env";
import type { EnvValues, EnvVariable } from "@reelgate/shared/env";
import { REDIS_ENV, optionalRedisConfig } from "@reelgate/shared/redis-env";
import { parseRedisUrl } from "@reelgate/shared/redis-url";
import type { RedisTarget } from "@reelgate/shared/redis-url";

const port = integerBetween(1, 65535);

/** The variables that `npm start` itself reads. Every other one goes to the apps as it is. */
export const LAUNCHER_ENV: {
  DATA_DIR: EnvVariable<string>;
  PORT: EnvVariable<number>;
  HOST: EnvVariable<string>;
  DASHBOARD_PORT: EnvVariable<number>;
  DASHBOARD_HOST: EnvVariable<string>;
  DASHBOARD_USER: EnvVariable<string>;
  DASHBOARD_PASSWORD: EnvVariable<string | null>;
  CALLBACK_KEYS: EnvVariable<string | null>;
  ALLOW_UNSIGNED: EnvVariable<boolean>;
  CALLBACK_PATH_TOKEN: EnvVariable<string | null>;
  REDIS_URL: EnvVariable<RedisTarget | null>;
  REDIS_TLS_CA_FILE: EnvVariable<string | null>;
  QUEUE_SHARDS: EnvVariable<number | null>;
  REDIS_DURABILITY: EnvVariable<"require" | "warn">;
  DATABASE_URL: EnvVariable<string | null>;
  MEDIA_ALLOWED_HOSTS: EnvVariable<string | null>;
} = {
  DATA_DIR: {
    parse: text,
    description:
      "Folder of everything that is kept between runs; a relative one is taken from the checkout.",
    example: "/var/lib/reelgate",
    default: ".data",
  },
  PORT: {
    parse: port,
    description: "Port on which callbacks are received.",
    example: "8080",
    default: "8080",
  },
  HOST: {
    parse: text,
    description:
      "Address on which callbacks are received; 0.0.0.0 makes it reachable from other machines.",
    example: "0.0.0.0",
    default: "127.0.0.1",
  },
  DASHBOARD_PORT: {
    parse: port,
    description: "Port of the dashboard.",
    example: "3000",
    default: "3000",
  },
  DASHBOARD_HOST: {
    parse: text,
    description: "Address of the dashboard.",
    example: "127.0.0.1",
    default: "127.0.0.1",
  },
  DASHBOARD_USER: {
    parse: text,
    description: "User name of the dashboard.",
    example: "admin",
    default: "admin",
  },
  DASHBOARD_PASSWORD: {
    parse: optional(text),
    description: "Password of the dashboard; one is made up and printed when unset.",
    example: "a-long-random-text",
    default: "",
    secret: true,
  },
  CALLBACK_KEYS: {
    parse: optional(text),
    description:
      "Keys with which callbacks may be signed, comma-separated; one is made up and printed when unset.",
    example: "0123456789abcdef",
    default: "",
    secret: true,
  },
  ALLOW_UNSIGNED: {
    parse: boolean,
    description: "Accept callbacks without a signature; for tests alone.",
    example: "false",
    default: "false",
  },
  CALLBACK_PATH_TOKEN: {
    parse: optional(text),
    description: "Secret last part of the callback path.",
    example: "f3kQ9-vT2_xLw8Zr",
    default: "",
    secret: true,
  },
  REDIS_URL: {
    parse: optional(parseRedisUrl),
    description: "A Redis to use instead of an embedded one; one server, Sentinels or a cluster.",
    example: "redis://:password@127.0.0.1:6379/0",
    default: "",
    secret: true,
  },
  REDIS_TLS_CA_FILE: REDIS_ENV.REDIS_TLS_CA_FILE,
  QUEUE_SHARDS: REDIS_ENV.QUEUE_SHARDS,
  REDIS_DURABILITY: {
    parse: choice("require", "warn"),
    description:
      "What to do when the Redis of REDIS_URL does not keep every acknowledged write: refuse, or warn.",
    example: "warn",
    default: "require",
  },
  DATABASE_URL: {
    parse: optional(urlWithScheme("postgres", "postgresql")),
    description: "A Postgres (15 or newer) to use instead of an embedded one.",
    example: "postgres://reelgate:password@127.0.0.1:5432/reelgate",
    default: "",
    secret: true,
  },
  MEDIA_ALLOWED_HOSTS: {
    parse: optional(text),
    description:
      "Hosts from which media may be fetched; the simulator's local origin is among them when unset.",
    example: "*.myqcloud.com",
    default: "",
  },
};

export interface LauncherConfig extends Omit<
  EnvValues<typeof LAUNCHER_ENV>,
  "DATA_DIR" | "REDIS_URL"
> {
  /** The Redis that was given; null for an embedded one. */
  redis: { url: string; target: RedisTarget } | null;
  /** Absolute. */
  dataDir: string;
  /** The whole environment, for the processes that are started. */
  env: NodeJS.ProcessEnv;
}

/**
 * Reads the environment once, at start.
 *
 * @param root what a relative DATA_DIR is relative to
 * @throws AppError `config_invalid`
 */
export function readConfig(root: string, env: NodeJS.ProcessEnv = process.env): LauncherConfig {
  const { DATA_DIR, REDIS_URL, ...values } = readEnv(LAUNCHER_ENV, env);
  const { target } = optionalRedisConfig({ ...values, REDIS_URL });
  if (values.PORT === values.DASHBOARD_PORT) {
    throw configInvalid([
      `PORT and DASHBOARD_PORT are both ${values.PORT}. Example: DASHBOARD_PORT=3000`,
    ]);
  }
  const redis = target === null ? null : { url: env["REDIS_URL"] ?? "", target };
  return { ...values, redis, dataDir: isAbsolute(DATA_DIR) ? DATA_DIR : join(root, DATA_DIR), env };
}
