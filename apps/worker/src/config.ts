import {
  DATABASE_ENV,
  OPS_ENV,
  REDIS_ENV,
  choice,
  integerBetween,
  listOf,
  readEnv,
} from "@reelgate/shared/env";
import type { EnvDeclaration, EnvVariable } from "@reelgate/shared/env";
import { errorMessage } from "@reelgate/shared/errors";
import { DEFAULT_ALLOWED_HOSTS, parseAllowedHosts } from "@reelgate/media/guard/allowed-hosts";
import type { AllowedHosts } from "@reelgate/media/guard/allowed-hosts";

/** The stages that a worker can run; replicas may split them. */
export const STAGES = ["callbacks", "media"] as const;
export type Stage = (typeof STAGES)[number];

const MEDIA_MODES = ["index", "download"] as const;

interface WorkerOnlyEnv extends EnvDeclaration {
  WORKER_STAGES: EnvVariable<Stage[]>;
  CALLBACKS_CONCURRENCY: EnvVariable<number>;
  MEDIA_CONCURRENCY: EnvVariable<number>;
  MEDIA_MODE: EnvVariable<(typeof MEDIA_MODES)[number]>;
  MEDIA_ALLOWED_HOSTS: EnvVariable<AllowedHosts>;
  MEDIA_TIMEOUT_MS: EnvVariable<number>;
  MEDIA_MAX_ATTEMPTS: EnvVariable<number>;
  MEDIA_NOT_FOUND_GRACE_MS: EnvVariable<number>;
}

const WORKER_ONLY_ENV: WorkerOnlyEnv = {
  WORKER_STAGES: {
    parse: (text) => {
      const stages = listOf(choice(...STAGES))(text);
      if (stages.length === 0) throw new Error("names no stage");
      return [...new Set(stages)];
    },
    description: "The stages that this worker runs, comma-separated: callbacks, media.",
    example: "callbacks,media",
    default: "callbacks,media",
  },
  CALLBACKS_CONCURRENCY: {
    parse: integerBetween(1, 1000),
    description: "Callbacks that one worker settles at a time.",
    example: "16",
    default: "16",
  },
  MEDIA_CONCURRENCY: {
    parse: integerBetween(1, 1000),
    description: "Recordings whose files one worker looks at at a time.",
    example: "8",
    default: "8",
  },
  MEDIA_MODE: {
    parse: (text) => {
      const mode = choice(...MEDIA_MODES)(text);
      if (mode === "download")
        throw new Error("is not available in this version, which verifies files in place");
      return mode;
    },
    description: "What is done with a recording's file: index reads and verifies it where it is.",
    example: "index",
    default: "index",
  },
  MEDIA_ALLOWED_HOSTS: {
    parse: (text) => {
      try {
        return parseAllowedHosts(text);
      } catch (error) {
        throw new Error(`is not usable: ${errorMessage(error)}`, { cause: error });
      }
    },
    description:
      "Where recordings may be fetched from, comma-separated: hosts and *.patterns (public addresses only), addresses and CIDR ranges (also private ones), each with an optional :port.",
    example: "*.myqcloud.com,media.example.com,10.1.0.0/16",
    default: DEFAULT_ALLOWED_HOSTS,
  },
  MEDIA_TIMEOUT_MS: {
    parse: integerBetween(1000, 86_400_000),
    description: "Milliseconds that one look at a recording may take.",
    example: "300000",
    default: "300000",
  },
  MEDIA_MAX_ATTEMPTS: {
    parse: integerBetween(1, 1000),
    description:
      "Attempts at a recording whose origin fails in a way that may heal, before its state is failed.",
    example: "60",
    default: "60",
  },
  MEDIA_NOT_FOUND_GRACE_MS: {
    parse: integerBetween(0, 86_400_000),
    description: "Milliseconds after the callback in which a missing file is waited for.",
    example: "600000",
    default: "600000",
  },
};

export type WorkerEnv = typeof OPS_ENV & typeof REDIS_ENV & typeof DATABASE_ENV & WorkerOnlyEnv;

/** Every variable of the worker: read here, documented from here. */
export const WORKER_ENV: WorkerEnv = {
  ...WORKER_ONLY_ENV,
  ...REDIS_ENV,
  ...DATABASE_ENV,
  ...OPS_ENV,
};

export interface WorkerConfig {
  stages: readonly Stage[];
  callbacksConcurrency: number;
  media: {
    concurrency: number;
    allowedHosts: AllowedHosts;
    timeoutMs: number;
    maxAttempts: number;
    notFoundGraceMs: number;
  };
  redisUrl: string;
  database: { url: string; poolSize: number; statementTimeoutMs: number };
  ops: { host: string; port: number };
  logLevel: string;
  shutdownGraceMs: number;
}

/** @throws AppError `config_invalid` naming every variable that is wrong. */
export function readWorkerConfig(
  env: Readonly<Record<string, string | undefined>> = process.env,
): WorkerConfig {
  const values = readEnv(WORKER_ENV, env);
  return {
    stages: values.WORKER_STAGES,
    callbacksConcurrency: values.CALLBACKS_CONCURRENCY,
    media: {
      concurrency: values.MEDIA_CONCURRENCY,
      allowedHosts: values.MEDIA_ALLOWED_HOSTS,
      timeoutMs: values.MEDIA_TIMEOUT_MS,
      maxAttempts: values.MEDIA_MAX_ATTEMPTS,
      notFoundGraceMs: values.MEDIA_NOT_FOUND_GRACE_MS,
    },
    redisUrl: values.REDIS_URL,
    database: {
      url: values.DATABASE_URL,
      poolSize: values.DATABASE_POOL_SIZE,
      statementTimeoutMs: values.DATABASE_STATEMENT_TIMEOUT_MS,
    },
    ops: { host: values.OPS_HOST, port: values.OPS_PORT },
    logLevel: values.LOG_LEVEL,
    shutdownGraceMs: values.SHUTDOWN_GRACE_MS,
  };
}
