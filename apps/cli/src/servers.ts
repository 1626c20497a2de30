import { join } from "node:path";
import { LOCAL_RUN_FILE } from "@reelgate/shared/contract/local-run";
import type { LocalRun } from "@reelgate/shared/contract/local-run";
import { AppError } from "@reelgate/shared/errors";
import { parseRedisUrl } from "@reelgate/shared/redis-url";
import type { RedisTarget } from "@reelgate/shared/redis-url";
import type { CliConfig } from "./config.ts";

/** Which servers a command talks to. Each is asked for alone: a command that needs no Redis wants no REDIS_URL. */
export interface Servers {
  /** Both throw AppError `config_invalid` when the server is named nowhere. */
  redis(): RedisTarget;
  databaseUrl(): string;
}

/** The environment's servers, else those of the `npm start` that runs on DATA_DIR. */
export function serversOf(config: CliConfig, local: LocalRun | null): Servers {
  const missing = (variable: string, example: string): AppError => {
    const where = join(config.dataDir, LOCAL_RUN_FILE);
    const reason =
      local === null
        ? `nothing runs here (no live ${where})`
        : `the \`npm start\` that runs here was given one, which only you know`;
    return new AppError("config_invalid", {
      message: `${variable} is not set, and ${reason}. Set it to that of the system that you ask about, such as ${variable}=${example}, or start one with \`npm start\`.`,
    });
  };
  return {
    redis() {
      if (config.redis !== null) return config.redis;
      const url = local?.redisUrl ?? null;
      if (url === null) throw missing("REDIS_URL", "redis://redis:6379");
      return parseRedisUrl(url);
    },
    databaseUrl() {
      const url = config.databaseUrl ?? local?.databaseUrl ?? null;
      if (url === null) {
        throw missing("DATABASE_URL", "postgres://postgres:5432/reelgate");
      }
      return url;
    },
  };
}
