import { createDatabase } from "@reelgate/catalogue/admin";
import { migrateToLatest } from "@reelgate/catalogue/migrate";
import type { TestProject } from "vitest/node";
import { startTestPostgres } from "./postgres-server.ts";

const TEMPLATE = "reelgate_template";

/** Several test files run at a time, and one of them opens up to fifty. */
const MAX_CONNECTIONS = "400";

declare module "vitest" {
  export interface ProvidedContext {
    /** The Postgres that the test files of one run share. */
    postgresAdminUrl: string;
    /** A database in it with the current schema, to copy. */
    postgresTemplate: string;
  }
}

/** One Postgres for each run of a project: to start one takes a second, to copy a database some ten milliseconds. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await startTestPostgres({ settings: { max_connections: MAX_CONNECTIONS } });
  try {
    await createDatabase(server.adminUrl, TEMPLATE);
    await migrateToLatest(server.databaseUrl(TEMPLATE));
  } catch (error) {
    await server.stop();
    throw error;
  }
  project.provide("postgresAdminUrl", server.adminUrl);
  project.provide("postgresTemplate", TEMPLATE);
  return () => server.stop();
}
