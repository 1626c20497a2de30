import { chmod, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createDatabase } from "@reelgate/catalogue/admin";
import { closeDatabase, openDatabase } from "@reelgate/catalogue/database";
import type { CatalogueDatabase } from "@reelgate/catalogue/database";
import { migrateToLatest } from "@reelgate/catalogue/migrate";
import { startPostgresServer } from "@reelgate/launcher/servers/postgres-server";
import type { PostgresServer } from "@reelgate/launcher/servers/postgres-server";
import { spawnApp } from "@reelgate/testkit/spawn-app";
import type { SpawnedApp } from "@reelgate/testkit/spawn-app";

const PASSWORD = "bench";
/** Addresses that no callback of a bench names: every URL is refused before anything is sent. */
const NOWHERE = "192.0.2.255";

/** The built worker; it reaches no file, whatever stages it runs. */
export function startBenchWorker(
  servers: { redisUrl: string; databaseUrl: string },
  env: Readonly<Record<string, string>> = {},
): Promise<SpawnedApp> {
  return spawnApp("worker", {
    env: {
      REDIS_URL: servers.redisUrl,
      DATABASE_URL: servers.databaseUrl,
      MEDIA_ALLOWED_HOSTS: NOWHERE,
      LOG_LEVEL: "fatal",
      ...env,
    },
  });
}

export interface BenchPostgres extends AsyncDisposable {
  readonly server: PostgresServer;
}

/**
 * @param dataDir where the cluster is kept; null for a folder of its own, removed at the end.
 */
export async function startBenchPostgres(dataDir: string | null): Promise<BenchPostgres> {
  const folder =
    dataDir === null ? await mkdtemp(join(tmpdir(), "reelgate-bench-")) : resolve(dataDir);
  await mkdir(folder, { recursive: true });
  // As root, Postgres runs as another user, who has to pass through.
  await chmod(folder, 0o711);
  const server = await startPostgresServer({
    dataDir: join(folder, "data"),
    password: PASSWORD,
    env: process.env,
    settings: { max_wal_size: "8GB" },
  });
  return {
    server,
    async [Symbol.asyncDispose]() {
      await server.stop();
      if (dataDir === null) await rm(folder, { recursive: true, force: true });
    },
  };
}

/** An empty catalogue; one of this name that is there already is used as it is. */
export async function benchDatabase(server: PostgresServer, name: string): Promise<string> {
  await createDatabase(server.adminUrl, name);
  const url = server.databaseUrl(name);
  await migrateToLatest(url);
  return url;
}

export interface BenchCatalogue extends AsyncDisposable {
  readonly db: CatalogueDatabase;
}

export function openBenchCatalogue(url: string): BenchCatalogue {
  const db = openDatabase({
    url,
    poolSize: 1,
    statementTimeoutMs: 600_000,
    applicationName: "reelgate-bench",
    // What breaks a statement is reported by the statement.
    onError: () => {},
  });
  return { db, [Symbol.asyncDispose]: () => closeDatabase(db) };
}
