import pg from "pg";
import { catalogued } from "./failures.ts";

/**
 * Creates a database unless it is there, optionally as a copy of another (tests copy a migrated one).
 *
 * @param adminUrl a database of the same server whose user may create databases.
 */
export async function createDatabase(
  adminUrl: string,
  name: string,
  options: { template?: string } = {},
): Promise<void> {
  await onServer(adminUrl, async (client) => {
    const { rowCount } = await client.query("select from pg_database where datname = $1", [name]);
    if (rowCount !== 0) return;
    const template =
      options.template === undefined ? "" : ` template ${pg.escapeIdentifier(options.template)}`;
    await client.query(`create database ${pg.escapeIdentifier(name)}${template}`);
  });
}

/** Drops a database together with whatever is still connected to it. */
export async function dropDatabase(adminUrl: string, name: string): Promise<void> {
  await onServer(adminUrl, async (client) => {
    await client.query(`drop database if exists ${pg.escapeIdentifier(name)} with (force)`);
  });
}

async function onServer(url: string, work: (client: pg.Client) => Promise<void>): Promise<void> {
  await catalogued(async () => {
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5000 });
    await client.connect();
    try {
      await work(client);
    } finally {
      await client.end();
    }
  });
}
