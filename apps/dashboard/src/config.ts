import { parseStorageUrl } from "@reelgate/media/storage/storage-url";
import type { StorageTarget } from "@reelgate/media/storage/storage-url";
import { reportConfig } from "@reelgate/shared/config-report";
import type { ConfigReport } from "@reelgate/shared/config-report";
import {
  DATABASE_ENV,
  OPS_ENV,
  TRACING_ENV,
  configInvalid,
  integerBetween,
  optional,
  readEnv,
  text,
  usable,
} from "@reelgate/shared/env";
import type { EnvValues, EnvVariable } from "@reelgate/shared/env";
import { REDIS_ENV, redisConfig } from "@reelgate/shared/redis-env";
import type { RedisConfig } from "@reelgate/shared/redis-env";
import { storageCredentials, storageEnv } from "@reelgate/shared/storage-env";
import type { StorageCredentials, StorageEnv } from "@reelgate/shared/storage-env";
import { parseProviderHosts } from "./player/provider-hosts.ts";
import type { ProviderHosts } from "./player/provider-hosts.ts";

/** RFC 7617 ends the user name at the first colon, and control characters have no place in either half. */
const userName = (value: string): string => {
  if (/[:\p{Cc}]/u.test(value)) throw new Error("has a colon or a control character");
  return value;
};

const MIN_PASSWORD_CHARS = 8;

const password = (value: string): string => {
  if (value.length < MIN_PASSWORD_CHARS) {
    throw new Error(`is shorter than ${MIN_PASSWORD_CHARS} characters`);
  }
  if (/\p{Cc}/u.test(value)) throw new Error("has a control character");
  return value;
};

type DashboardEnv = {
  DASHBOARD_PORT: EnvVariable<number>;
  DASHBOARD_HOST: EnvVariable<string>;
  DASHBOARD_USER: EnvVariable<string>;
  DASHBOARD_PASSWORD: EnvVariable<string>;
  DASHBOARD_TRUST_PROXY: EnvVariable<number>;
  PLAYER_PROVIDER_HOSTS: EnvVariable<ProviderHosts | null>;
} & StorageEnv<StorageTarget> &
  typeof REDIS_ENV &
  typeof DATABASE_ENV &
  typeof OPS_ENV &
  typeof TRACING_ENV;

/** Every variable of the dashboard. */
export const DASHBOARD_ENV: DashboardEnv = {
  DASHBOARD_PORT: {
    parse: integerBetween(0, 65535),
    description: "Port of the dashboard: pages, API and Bull Board; 0 picks a free one.",
    example: "3000",
    default: "3000",
  },
  DASHBOARD_HOST: {
    parse: text,
    description: "Address on which the dashboard listens.",
    example: "0.0.0.0",
    default: "127.0.0.1",
  },
  DASHBOARD_USER: {
    parse: userName,
    description: "User name of the dashboard.",
    example: "admin",
    default: "admin",
  },
  DASHBOARD_PASSWORD: {
    parse: password,
    description: `Password of the dashboard, ${MIN_PASSWORD_CHARS} characters or more.`,
    example: "a-long-random-password",
    secret: true,
  },
  DASHBOARD_TRUST_PROXY: {
    parse: integerBetween(0, 32),
    description:
      "Reverse proxies in front of the dashboard that set X-Forwarded-For; 0 takes the address of the connection. By it wrong passwords are counted.",
    example: "1",
    default: "0",
  },
  PLAYER_PROVIDER_HOSTS: {
    parse: optional(usable(parseProviderHosts)),
    description:
      "Hosts of the provider from which the pages may play recordings, comma-separated: names, *.patterns and IPv4 addresses, each with an optional :port. Whoever has the password then gets the URLs of recordings on them with their signatures. Unset: only stored copies are played.",
    example: "*.myqcloud.com,media.example.com",
    default: "",
  },
  ...storageEnv(usable(parseStorageUrl)),
  ...REDIS_ENV,
  ...DATABASE_ENV,
  ...OPS_ENV,
  ...TRACING_ENV,
};

export type DashboardConfig = EnvValues<DashboardEnv> & {
  redis: RedisConfig;
  /** Null: no copies are shown. */
  copies: { target: StorageTarget; credentials: StorageCredentials | null } | null;
};

/**
 * Reads the configuration of the dashboard.
 *
 * @throws AppError `config_invalid` with every problem at once.
 */
export function readConfig(
  env: Readonly<Record<string, string | undefined>> = process.env,
): DashboardConfig {
  const values = readEnv(DASHBOARD_ENV, env);
  const { credentials, problem } = storageCredentials(values);
  if (values.STORAGE_URL !== null && problem !== null) throw configInvalid([problem]);
  return {
    ...values,
    redis: redisConfig(values),
    copies: values.STORAGE_URL === null ? null : { target: values.STORAGE_URL, credentials },
  };
}

/** What is wrong with the configuration, or its values, without starting anything. */
export function checkDashboardConfig(
  env: Readonly<Record<string, string | undefined>> = process.env,
): ConfigReport {
  return reportConfig("dashboard", DASHBOARD_ENV, env, readConfig);
}
