import { reportConfig } from "@reelgate/shared/config-report";
import type { ConfigReport } from "@reelgate/shared/config-report";
import {
  DATABASE_ENV,
  OPS_ENV,
  TRACING_ENV,
  choice,
  configInvalid,
  integerBetween,
  listOf,
  optional,
  readEnv,
  text,
  tracingConfig,
  usable,
} from "@reelgate/shared/env";
import type { EnvDeclaration, EnvValues, EnvVariable } from "@reelgate/shared/env";
import { REDIS_ENV, redisConfig } from "@reelgate/shared/redis-env";
import type { RedisConfig } from "@reelgate/shared/redis-env";
import { storageCredentials, storageEnv } from "@reelgate/shared/storage-env";
import type { StorageCredentials, StorageEnv } from "@reelgate/shared/storage-env";
import type { TracingConfig } from "@reelgate/shared/tracing/tracing";
import { DEFAULT_ALLOWED_HOSTS, parseAllowedHosts } from "@reelgate/media/guard/allowed-hosts";
import type { AllowedHosts } from "@reelgate/media/guard/allowed-hosts";
import type { SegmentSelection } from "@reelgate/media/hls/segment-plan";
import { parseStorageUrl } from "@reelgate/media/storage/storage-url";
import type { StorageTarget } from "@reelgate/media/storage/storage-url";

/** The stages that a worker can run; replicas may split them. */
export const STAGES = ["callbacks", "media"] as const;
export type Stage = (typeof STAGES)[number];

const MEDIA_MODES = ["index", "download"] as const;

interface WorkerOnlyEnv extends EnvDeclaration {
  WORKER_STAGES: EnvVariable<Stage[]>;
  CALLBACKS_CONCURRENCY: EnvVariable<number>;
  MEDIA_CONCURRENCY: EnvVariable<number>;
  WATCHDOG_S: EnvVariable<number>;
  MEDIA_MODE: EnvVariable<(typeof MEDIA_MODES)[number]>;
  MEDIA_ALLOWED_HOSTS: EnvVariable<AllowedHosts>;
  MEDIA_TIMEOUT_MS: EnvVariable<number>;
  MEDIA_MAX_ATTEMPTS: EnvVariable<number>;
  MEDIA_NOT_FOUND_GRACE_MS: EnvVariable<number>;
  MEDIA_HLS_SEGMENTS: EnvVariable<SegmentSelection>;
  MEDIA_HOST_CONCURRENCY: EnvVariable<number>;
  MEDIA_MAX_MBPS: EnvVariable<number | null>;
  MEDIA_MAX_SIZE_BYTES: EnvVariable<number>;
  MEDIA_WORK_DIR: EnvVariable<string>;
}

function megabitsPerSecond(value: string): number {
  const mbps = Number(value);
  if (!/^\d+(\.\d+)?$/u.test(value) || mbps < 0.1 || mbps > 1_000_000) {
    throw new Error("is not a number from 0.1 to 1000000");
  }
  return mbps;
}

/** A silent connection is replaced after 30 s, and an idle worker asks every 10 s: less would end sound workers. */
function watchdogS(value: string): number {
  const seconds = integerBetween(0, 86_400)(value);
  if (seconds > 0 && seconds < 45) throw new Error("is neither 0 nor a number from 45 to 86400");
  return seconds;
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
    description:
      "Callbacks that one worker has in hand at a time; those that are there together share transactions.",
    example: "512",
    default: "512",
  },
  MEDIA_CONCURRENCY: {
    parse: integerBetween(1, 1000),
    description: "Recordings whose files one worker looks at at a time.",
    example: "8",
    default: "8",
  },
  WATCHDOG_S: {
    parse: watchdogS,
    description:
      "Seconds in which a worker that finds jobs waiting takes none of them, before it ends with 1 so that its supervisor starts it again; 0 for never, else 45 or more.",
    example: "60",
    default: "60",
  },
  MEDIA_MODE: {
    parse: choice(...MEDIA_MODES),
    description:
      "What is done with a recording's file: index reads and verifies it where it is, download also keeps a verified copy under STORAGE_URL.",
    example: "download",
    default: "index",
  },
  MEDIA_ALLOWED_HOSTS: {
    parse: usable(parseAllowedHosts),
    description:
      "Where recordings may be fetched from, comma-separated: hosts and *.patterns (public addresses only), addresses and CIDR ranges (also private ones), each with an optional :port.",
    example: "*.myqcloud.com,media.example.com,10.1.0.0/16",
    default: DEFAULT_ALLOWED_HOSTS,
  },
  MEDIA_TIMEOUT_MS: {
    parse: integerBetween(1000, 86_400_000),
    description:
      "Milliseconds that one look at a recording may take; a download is ended by standing still instead.",
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
    description:
      "Milliseconds after the callback in which a missing file is waited for, and before a copy of a broken one is given up.",
    example: "600000",
    default: "600000",
  },
  MEDIA_HLS_SEGMENTS: {
    parse: choice("all", "sample"),
    description:
      "Segments of an HLS recording that a look checks: all, or sample for the first, the last and eight between. A download fetches and verifies every one.",
    example: "sample",
    default: "all",
  },
  MEDIA_HOST_CONCURRENCY: {
    parse: integerBetween(1, 256),
    description:
      "Requests that one worker has open to one host at a time; halved by itself when the host answers 429 or 503.",
    example: "8",
    default: "8",
  },
  MEDIA_MAX_MBPS: {
    parse: optional(megabitsPerSecond),
    description:
      "Bandwidth of one worker for media together, in megabits per second, 0.1 or more; unlimited when unset.",
    example: "200",
    default: "",
  },
  MEDIA_MAX_SIZE_BYTES: {
    parse: integerBetween(1, Number.MAX_SAFE_INTEGER),
    description: "The largest recording of which a copy is made, in bytes.",
    example: "107374182400",
    default: "107374182400",
  },
  MEDIA_WORK_DIR: {
    parse: text,
    description:
      "Folder on a local disk for copies in the making when STORAGE_URL is s3://; needs room for MEDIA_CONCURRENCY recordings. With file:// they are made in the storage itself.",
    example: "/var/lib/reelgate/work",
    default: "/tmp/reelgate",
  },
};

const STORAGE_ENV = storageEnv(usable(parseStorageUrl));

export type WorkerEnv = typeof OPS_ENV &
  typeof TRACING_ENV &
  typeof REDIS_ENV &
  typeof DATABASE_ENV &
  StorageEnv<StorageTarget> &
  WorkerOnlyEnv;

/** Every variable of the worker: read here, documented from here. */
export const WORKER_ENV: WorkerEnv = {
  ...WORKER_ONLY_ENV,
  ...STORAGE_ENV,
  ...REDIS_ENV,
  ...DATABASE_ENV,
  ...OPS_ENV,
  ...TRACING_ENV,
};

export interface WorkerConfig {
  stages: readonly Stage[];
  callbacksConcurrency: number;
  /** 0: no watchdog. */
  watchdogS: number;
  media: {
    concurrency: number;
    allowedHosts: AllowedHosts;
    timeoutMs: number;
    maxAttempts: number;
    notFoundGraceMs: number;
    segments: SegmentSelection;
    hostConcurrency: number;
    maxMbps: number | null;
  };
  /** Null: recordings are looked at where they are, and no copies are made. */
  copies: CopiesConfig | null;
  redis: RedisConfig;
  database: { url: string; poolSize: number; statementTimeoutMs: number };
  ops: { host: string; port: number };
  tracing: TracingConfig;
  logLevel: string;
  shutdownGraceMs: number;
}

export interface CopiesConfig {
  target: StorageTarget;
  /** Null: the SDK's own chain. */
  credentials: StorageCredentials | null;
  workDir: string;
  maxSizeBytes: number;
}

/** @throws AppError `config_invalid` naming every variable that is wrong. */
export function readWorkerConfig(
  env: Readonly<Record<string, string | undefined>> = process.env,
): WorkerConfig {
  const values = readEnv(WORKER_ENV, env);
  return {
    stages: values.WORKER_STAGES,
    callbacksConcurrency: values.CALLBACKS_CONCURRENCY,
    watchdogS: values.WATCHDOG_S,
    media: {
      concurrency: values.MEDIA_CONCURRENCY,
      allowedHosts: values.MEDIA_ALLOWED_HOSTS,
      timeoutMs: values.MEDIA_TIMEOUT_MS,
      maxAttempts: values.MEDIA_MAX_ATTEMPTS,
      notFoundGraceMs: values.MEDIA_NOT_FOUND_GRACE_MS,
      segments: values.MEDIA_HLS_SEGMENTS,
      hostConcurrency: values.MEDIA_HOST_CONCURRENCY,
      maxMbps: values.MEDIA_MAX_MBPS,
    },
    copies: copiesConfig(values),
    redis: redisConfig(values),
    database: {
      url: values.DATABASE_URL,
      poolSize: values.DATABASE_POOL_SIZE,
      statementTimeoutMs: values.DATABASE_STATEMENT_TIMEOUT_MS,
    },
    ops: { host: values.OPS_HOST, port: values.OPS_PORT },
    tracing: tracingConfig(values),
    logLevel: values.LOG_LEVEL,
    shutdownGraceMs: values.SHUTDOWN_GRACE_MS,
  };
}

function copiesConfig(values: EnvValues<WorkerEnv>): CopiesConfig | null {
  if (values.MEDIA_MODE === "index") return null;
  const { credentials, problem } = storageCredentials(values);
  const problems = problem === null ? [] : [problem];
  if (values.STORAGE_URL === null) {
    problems.unshift(
      `STORAGE_URL is not set, and MEDIA_MODE=download needs it. Example: STORAGE_URL=${STORAGE_ENV.STORAGE_URL.example}`,
    );
  }
  if (values.STORAGE_URL === null || problems.length > 0) throw configInvalid(problems);
  return {
    target: values.STORAGE_URL,
    credentials,
    workDir: values.MEDIA_WORK_DIR,
    maxSizeBytes: values.MEDIA_MAX_SIZE_BYTES,
  };
}

/** What is wrong with the configuration, or its values, without starting anything. */
export function checkWorkerConfig(
  env: Readonly<Record<string, string | undefined>> = process.env,
): ConfigReport {
  return reportConfig("worker", WORKER_ENV, env, readWorkerConfig);
}
