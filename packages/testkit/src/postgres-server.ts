import { randomBytes } from "node:crypto";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startPostgresServer } from "@reelgate/launcher/servers/postgres-server";
import type { PostgresServer } from "@reelgate/launcher/servers/postgres-server";
import { restartable } from "./restartable.ts";
import type { Restartable } from "./restartable.ts";

/** A real Postgres of this test's own, for tests that kill it; the others share one and take a database of it. */
export interface TestPostgres extends Restartable {
  /** URL of the database `postgres`, as superuser. */
  readonly adminUrl: string;
  readonly port: number;
  databaseUrl(name: string): string;
}

export interface TestPostgresOptions {
  /** Beyond the settings of an embedded server, by the names of postgresql.conf. */
  settings?: Readonly<Record<string, string>>;
}

export async function startTestPostgres(options: TestPostgresOptions = {}): Promise<TestPostgres> {
  const folder = await mkdtemp(join(tmpdir(), "reelgate-test-postgres-"));
  // As root, Postgres runs as another user, who has to pass through.
  await chmod(folder, 0o711);
  const password = randomBytes(12).toString("base64url");
  const start = (port?: number): Promise<PostgresServer> =>
    startPostgresServer({
      dataDir: join(folder, "data"),
      password,
      env: process.env,
      ...options,
      ...(port === undefined ? {} : { port }),
    });
  const first = await start();
  const { adminUrl, port } = first;
  const server = restartable({
    name: `Postgres on port ${port}`,
    first,
    startAgain: () => start(port),
    removeData: () => rm(folder, { recursive: true, force: true }),
  });
  return Object.assign(server, {
    adminUrl,
    port,
    databaseUrl: (name: string) => first.databaseUrl(name),
  });
}
