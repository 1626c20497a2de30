import { Kysely, PostgresDialect, sql } from "kysely";
import pg from "pg";
import type { PostgresPoolClient } from "kysely";
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
  /** How long a query waits for a free or a new connection; 5 s otherwise. */
  connectTimeoutMs?: number;
  /** Errors of idle connections; the pool replaces them by itself. */
  onError: (error: Error) => void;
}

const TIMESTAMPTZ_OID = 1184;
const CONNECT_TIMEOUT_MS = 5000;

const SESSION = {
  TimeZone: "UTC",
  // Guarantee G2: a job ends in Redis after its commit, which therefore must be on disk whatever the server's default.
  synchronous_commit: "on",
  // The lists name their index by its order. Where the planner believes a range to be small, it would rather collect all
  // of it and sort that, or do so for each value of another index's first column: a whole stream for one page.
  enable_incremental_sort: "off",
  enable_bitmapscan: "off",
  // No statement here runs long enough to be worth the tens of milliseconds of its compilation.
  jit: "off",
} as const;

/**
 * Opens a pool; connects on first use.
 *
 * `query_timeout` is the client's own clock: on a half-open connection the server's `statement_timeout` is never heard
 * of. A client that vanished in the middle of a transaction holds its locks until `idle_in_transaction_session_timeout`
 * ends it: the server sees no end of the connection when the client's machine or network is gone.
 */
export function openDatabase(options: DatabaseOptions): CatalogueDatabase {
  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.poolSize,
    application_name: options.applicationName,
    statement_timeout: options.statementTimeoutMs,
    query_timeout: options.statementTimeoutMs + 2000,
    idle_in_transaction_session_timeout: options.statementTimeoutMs + 2000,
    connectionTimeoutMillis: options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
    options: Object.entries(SESSION)
      .map(([name, value]) => `-c ${name}=${value}`)
      .join(" "),
    types: {
      getTypeParser: (oid: number, format?: "text" | "binary") =>
        oid === TIMESTAMPTZ_OID ? isoMicroseconds : pg.types.getTypeParser(oid, format),
    },
  });
  pool.on("error", options.onError);
  // The pool listens to idle clients alone. One that breaks in use, between two statements of a transaction, would end
  // the process with an unhandled event; the next statement reports it.
  pool.on("connect", (client) => client.on("error", () => {}));
  const db = new Kysely<Schema>({
    dialect: new PostgresDialect({
      pool: { connect: () => connectFrom(pool), end: () => pool.end(), options: {} },
    }),
  });
  POOLS.set(db, pool);
  return db;
}

/** Kysely keeps its pool to itself. */
const POOLS = new WeakMap<CatalogueDatabase, pg.Pool>();

/** Connections of a pool at this moment, and the statements that wait for one. */
export interface PoolUse {
  busy: number;
  idle: number;
  waiting: number;
}

/** Asks nobody: a pool knows. */
export function poolUse(db: CatalogueDatabase): PoolUse {
  const pool = POOLS.get(db);
  if (pool === undefined) return { busy: 0, idle: 0, waiting: 0 };
  const { totalCount, idleCount, waitingCount } = pool;
  return { busy: totalCount - idleCount, idle: idleCount, waiting: waitingCount };
}

/** A standby or a demoted primary (25006), a server that stops or starts (57P), a connection that is lost (08). */
const SERVER_IS_LEAVING = /^(?:25006|57P0[1-3]|08...)$/u;

/**
 * A connection that did not answer within `query_timeout` is never used again. pg gives up on the answer alone and
 * hands the connection back to the pool, where the next statement would wait behind the one that was given up.
 *
 * One to a server that is no primary any more is not used for further work either: after a failover it stays open and
 * well, and leads to the standby for as long as it lives.
 */
async function connectFrom(pool: pg.Pool): Promise<PostgresPoolClient> {
  const client = await pool.connect();
  let isSilent = false;
  let isSpent = false;
  const query = async (text: string, parameters: readonly unknown[]): Promise<unknown> => {
    if (isSilent) throw new Error("The connection is given up.");
    try {
      return await client.query(text, [...parameters]);
    } catch (error) {
      isSilent = error instanceof Error && error.message === "Query read timeout";
      const code = error instanceof Error && "code" in error ? String(error.code) : "";
      isSpent ||= isSilent || SERVER_IS_LEAVING.test(code);
      throw error;
    }
  };
  return {
    query: query as PostgresPoolClient["query"],
    release: (destroy?: boolean) => client.release(destroy === true || isSpent),
  };
}

export async function closeDatabase(db: CatalogueDatabase): Promise<void> {
  await db.destroy();
}

/** One round trip to Postgres, for readiness. */
export async function pingDatabase(db: CatalogueDatabase): Promise<void> {
  await sql`select 1`.execute(db);
}
