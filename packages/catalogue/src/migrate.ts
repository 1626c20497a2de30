import { setTimeout as delay } from "node:timers/promises";
import { sql } from "kysely";
import type { Kysely } from "kysely";
import { Migrator } from "kysely/migration";
import type { Migration } from "kysely/migration";
import { AppError } from "@reelgate/shared/errors";
import { closeDatabase, openDatabase } from "./database.ts";
import type { CatalogueDatabase } from "./database.ts";
import { catalogueError, catalogued } from "./failures.ts";
import * as initial from "./migrations/0001-initial.ts";
import * as operations from "./migrations/0002-operations.ts";
import * as callbacksByTime from "./migrations/0003-callbacks-by-time.ts";
import * as recordingsByVerdict from "./migrations/0004-recordings-by-verdict.ts";
import * as pendingById from "./migrations/0005-pending-by-id.ts";
import * as recordingsOfIds from "./migrations/0006-recordings-of-ids.ts";

/** In order; a migration that was released is never changed. */
const MIGRATIONS = {
  "0001-initial": initial,
  "0002-operations": operations,
  "0003-callbacks-by-time": callbacksByTime,
  "0004-recordings-by-verdict": recordingsByVerdict,
  "0005-pending-by-id": pendingById,
  "0006-recordings-of-ids": recordingsOfIds,
};
const NAMES = Object.keys(MIGRATIONS).toSorted();

/** Migrations may read large tables: they get an hour where a statement of the apps gets seconds. */
const MIGRATION_TIMEOUT_MS = 3_600_000;

/**
 * Everybody queues behind a migration that waits for its lock, even those who do not conflict with whoever holds it.
 * Longer than the second after which Postgres ends an autovacuum that is in the way.
 */
const LOCK_TIMEOUT_MS = 3000;
/** How often a migration is tried that does not get its lock, and how long the apps have to themselves in between. */
const LOCK_TRIES = 10;
const LOCK_PAUSE_MS = 2000;

/** SQLSTATE of a lock that was not had in time, and of a deadlock: the migration left nothing, and may be tried again. */
const LOCKED_OUT = ["55P03", "40P01"];

const migratorFor = (db: CatalogueDatabase): Migrator =>
  new Migrator({
    db,
    provider: {
      getMigrations: () =>
        Promise.resolve(
          Object.fromEntries(
            Object.entries(MIGRATIONS).map(([name, migration]) => [name, withoutQueue(migration)]),
          ),
        ),
    },
  });

function withoutQueue({ up, down }: Required<Migration>): Migration {
  return {
    up: async (tx: Kysely<unknown>) => {
      await sql`set local lock_timeout = ${sql.lit(LOCK_TIMEOUT_MS)}`.execute(tx);
      await up(tx);
    },
    down,
  };
}

/**
 * Brings the schema up to this version, each migration in a transaction of its own. Safe to run from several processes
 * at once: Kysely's migrator holds a lock. A schema of a newer version is left as it is, since this version runs on it.
 *
 * @param onNewer is given the names of the migrations of a newer version, when there are some.
 * @returns the names of the migrations that were applied, none when there was nothing to do.
 * @throws AppError `catalogue_unavailable` when Postgres cannot be reached, with its message as the cause, or when some
 *   other transaction held a table all the time.
 */
export async function migrateToLatest(
  url: string,
  onNewer?: (names: readonly string[]) => void,
): Promise<string[]> {
  const db = openDatabase({
    url,
    poolSize: 2,
    statementTimeoutMs: MIGRATION_TIMEOUT_MS,
    applicationName: "reelgate-migrate",
    onError: () => {
      // A broken idle connection: the statement in hand, if any, reports it.
    },
  });
  try {
    return await catalogued(async () => {
      const applied: string[] = [];
      for (;;) {
        const newer = await newerThanKnown(db);
        if (newer !== null) {
          onNewer?.(newer);
          return applied;
        }
        const name = await migrateOne(db);
        if (name === null) return applied;
        applied.push(name);
      }
    });
  } finally {
    await closeDatabase(db);
  }
}

/** Migrations after ours, when all of ours were applied and they are the only ones that are not ours; else null. */
async function newerThanKnown(db: CatalogueDatabase): Promise<string[] | null> {
  const { rows: tables } = await sql`
    select from pg_class where oid = to_regclass('kysely_migration')`.execute(db);
  if (tables.length === 0) return null;
  const { rows } = await sql<{ name: string }>`select name from kysely_migration`.execute(db);
  const names = rows.map(({ name }) => name);
  const unknown = names.filter((name) => !NAMES.includes(name)).toSorted();
  const isNewer =
    unknown.length > 0 &&
    NAMES.every((name) => names.includes(name) && name < (unknown[0] as string));
  return isNewer ? unknown : null;
}

/** Applies the next migration. Returns its name, or null when there is none. */
async function migrateOne(db: CatalogueDatabase): Promise<string | null> {
  for (let tries = 1; ; tries += 1) {
    const { error, results } = await migratorFor(db).migrateUp();
    if (error === undefined) return results?.[0]?.migrationName ?? null;
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (!LOCKED_OUT.includes(code)) throw catalogueError(error);
    if (tries === LOCK_TRIES) {
      throw new AppError("catalogue_unavailable", {
        message: `The migration ${results?.[0]?.migrationName ?? ""} did not get its lock: another transaction, such as a dump, is in the way.`,
        cause: error,
      });
    }
    await delay(LOCK_PAUSE_MS);
  }
}

/**
 * Checks at the start of an app that every migration of this version was applied.
 *
 * @throws AppError `schema_outdated` naming what is missing and the command that mends it.
 */
export async function assertSchemaCurrent(db: CatalogueDatabase): Promise<void> {
  const missing = await catalogued(async () =>
    (await migratorFor(db).getMigrations())
      .filter((migration) => migration.executedAt === undefined)
      .map((migration) => migration.name),
  );
  if (missing.length > 0) {
    throw new AppError("schema_outdated", {
      message: `The catalogue lacks the migrations ${missing.join(", ")}. Run the migrate step first (it runs by itself under "npm start").`,
    });
  }
}
