import { Kysely, PostgresDialect, sql } from "kysely";
import pg from "pg";
import { isoMicroseconds } from "./instant.ts";
import type { Schema } from "./schema.ts";

/** The catalogue's connections. Its functions take it as their first argument; nobody else queries through it. */
export type CatalogueDatabase = Kysely<Schema>;

export interface DatabaseOptions {
  url: string;
  poolSize: number;
  statementTimeoutMs: number;
  /** Shown in pg_stat_activity. */
  applicationName: string;
  /** Errors of idle connections; the pool replaces them by itself. */
  onError: (error: Error) => void;
}

const TIMESTAMPTZ_OID = 1184;

/**
 * Opens a pool; connects on first use.
 *
 * `query_timeout` is the client's own clock: on a half-open connection the server's `statement_timeout` is never heard
 * of. `connectionTimeoutMillis` bounds the wait for a free or new connection.
 */
export function openDatabase(options: DatabaseOptions): CatalogueDatabase {
  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.poolSize,
    application_name: options.applicationName,
    statement_timeout: options.statementTimeoutMs,
    query_timeout: options.statementTimeoutMs + 2000,
    connectionTimeoutMillis: 5000,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
    options: "-c TimeZone=UTC",
    types: {
      getTypeParser: (oid: number, format?: "text" | "binary") =>
        oid === TIMESTAMPTZ_OID ? isoMicroseconds : pg.types.getTypeParser(oid, format),
    },
  });
  pool.on("error", options.onError);
  return new Kysely<Schema>({ dialect: new PostgresDialect({ pool }) });
}

export async function closeDatabase(db: CatalogueDatabase): Promise<void> {
  await db.destroy();
}

/** One round trip to Postgres, for readiness. */
export async function pingDatabase(db: CatalogueDatabase): Promise<void> {
  await sql`select 1`.execute(db);
}
