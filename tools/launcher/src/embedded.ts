import { join } from "node:path";
import { checkGivenRedis } from "./given-redis.ts";
import type { LauncherConfig } from "./config.ts";
import type { Credentials } from "./credentials.ts";
import type { ProcessKind, ProcessRecords } from "./process-records.ts";
import { startPostgresServer } from "./servers/postgres-server.ts";
import { startRedisServer } from "./servers/redis-server.ts";
import { supervise } from "./supervise.ts";

/** What every started process has in common. */
export interface Household {
  records: ProcessRecords;
  /** One line for the terminal and the launcher's own log. */
  report: (line: string) => void;
  /** Where the lines of a process go. */
  logger: (name: string, kind: ProcessKind) => (line: string) => void;
}

export interface QueueStore extends AsyncDisposable {
  url: string;
}

export interface Database extends AsyncDisposable {
  url: string;
  name: string;
  /** For making the database; null for a given server, whose database its owner makes. */
  adminUrl: string | null;
}

const DATABASE_NAME = "reelgate";

/** The Redis that the user gave, or an embedded one that is started again, on its port and data, whenever it dies. */
export async function startQueueStore(
  config: LauncherConfig,
  credentials: Credentials,
  household: Household,
): Promise<QueueStore> {
  if (config.redis !== null) {
    const warning = await checkGivenRedis(config.redis.target, config.REDIS_DURABILITY);
    if (warning !== null) household.report(warning);
    return { url: config.redis.url, [Symbol.asyncDispose]: async () => {} };
  }
  const onLine = household.logger("redis", "server");
  let port: number | undefined;
  const server = await supervise({
    name: "Redis",
    report: household.report,
    start: async () => {
      const started = await startRedisServer({
        dataDir: join(config.dataDir, "redis"),
        password: credentials.redisPassword,
        env: config.env,
        onLine,
        onPid: (pid) => household.records.set("redis", "server", pid),
        ...(port === undefined ? {} : { port }),
      });
      port = started.port;
      return started;
    },
  });
  return { url: server.current().url, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

/** The Postgres that the user gave, or an embedded one that is started again, on its port and data, whenever it dies. */
export async function startDatabase(
  config: LauncherConfig,
  credentials: Credentials,
  household: Household,
): Promise<Database> {
  if (config.DATABASE_URL !== null) {
    const name = new URL(config.DATABASE_URL).pathname.slice(1);
    return {
      url: config.DATABASE_URL,
      name,
      adminUrl: null,
      [Symbol.asyncDispose]: async () => {},
    };
  }
  const onLine = household.logger("postgres", "server");
  let port: number | undefined;
  const server = await supervise({
    name: "Postgres",
    report: household.report,
    start: async () => {
      const started = await startPostgresServer({
        dataDir: join(config.dataDir, "postgres"),
        password: credentials.postgresPassword,
        env: config.env,
        onLine,
        onPid: (pid) => household.records.set("postgres", "server", pid),
        ...(port === undefined ? {} : { port }),
      });
      port = started.port;
      return started;
    },
  });
  const { adminUrl } = server.current();
  return {
    url: server.current().databaseUrl(DATABASE_NAME),
    name: DATABASE_NAME,
    adminUrl,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
