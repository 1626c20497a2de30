import { reportConfig } from "@reelgate/shared/config-report";
import type { ConfigReport } from "@reelgate/shared/config-report";
import { DATABASE_ENV, optional, readEnv, text } from "@reelgate/shared/env";
import type { EnvVariable } from "@reelgate/shared/env";
import { REDIS_ENV, optionalRedisConfig } from "@reelgate/shared/redis-env";
import type { RedisTarget } from "@reelgate/shared/redis-url";

/** Every variable of the command line. What a command does not need, it does not ask for. */
export const CLI_ENV: {
  REDIS_URL: EnvVariable<RedisTarget | null>;
  REDIS_TLS_CA_FILE: EnvVariable<string | null>;
  QUEUE_SHARDS: EnvVariable<number | null>;
  DATABASE_URL: EnvVariable<string | null>;
  DATABASE_STATEMENT_TIMEOUT_MS: EnvVariable<number>;
  DATA_DIR: EnvVariable<string>;
} = {
  REDIS_URL: { ...REDIS_ENV.REDIS_URL, parse: optional(REDIS_ENV.REDIS_URL.parse), default: "" },
  REDIS_TLS_CA_FILE: REDIS_ENV.REDIS_TLS_CA_FILE,
  QUEUE_SHARDS: REDIS_ENV.QUEUE_SHARDS,
  DATABASE_URL: {
    ...DATABASE_ENV.DATABASE_URL,
    parse: optional(DATABASE_ENV.DATABASE_URL.parse),
    default: "",
  },
  DATABASE_STATEMENT_TIMEOUT_MS: DATABASE_ENV.DATABASE_STATEMENT_TIMEOUT_MS,
  DATA_DIR: {
    parse: text,
    description:
      "Folder in which a running `npm start` leaves its addresses; they are used where REDIS_URL or DATABASE_URL is not set.",
    example: "/var/lib/reelgate",
    default: ".data",
  },
};

export interface CliConfig {
  redis: RedisTarget | null;
  /** Asked for only where Redis does not say into how many shards its queues are split. */
  shardCount: number | null;
  databaseUrl: string | null;
  statementTimeoutMs: number;
  dataDir: string;
}

/** @throws AppError `config_invalid` naming every variable that is wrong. */
export function readCliConfig(
  env: Readonly<Record<string, string | undefined>> = process.env,
): CliConfig {
  const values = readEnv(CLI_ENV, env);
  const redis = optionalRedisConfig(values);
  return {
    redis: redis.target,
    shardCount: redis.shardCount,
    databaseUrl: values.DATABASE_URL,
    statementTimeoutMs: values.DATABASE_STATEMENT_TIMEOUT_MS,
    dataDir: values.DATA_DIR,
  };
}

/** What is wrong with the configuration, or its values. */
export function checkCliConfig(
  env: Readonly<Record<string, string | undefined>> = process.env,
): ConfigReport {
  return reportConfig("cli", CLI_ENV, env, readCliConfig);
}

/** The Node and the options that run this process, for another one of its kind. */
export function thisNode(): { path: string; options: readonly string[] } {
  return { path: process.execPath, options: process.execArgv };
}

/** Whether a process runs. EPERM: it is there and belongs to another user. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
