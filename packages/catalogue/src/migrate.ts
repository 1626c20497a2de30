import { Migrator } from "kysely/migration";
import { AppError } from "@reelgate/shared/errors";
import { closeDatabase, openDatabase } from "./database.ts";
import type { CatalogueDatabase } from "./database.ts";
import { catalogueError, catalogued } from "./failures.ts";
import * as initial from "./migrations/0001-initial.ts";
import * as operations from "./migrations/0002-operations.ts";

/** In order; a migration that was released is never changed. */
const MIGRATIONS = { "0001-initial": initial, "0002-operations": operations };

/** Migrations may rewrite large tables: they get an hour where a statement of the apps gets seconds. */
const MIGRATION_TIMEOUT_MS = 3_600_000;

const migratorFor = (db: CatalogueDatabase): Migrator =>
  new Migrator({ db, provider: { getMigrations: () => Promise.resolve(MIGRATIONS) } });

/**
 * Brings the schema up to this version. Safe to run from several processes at once: Kysely's migrator holds a lock.
 *
 * @returns the names of the migrations that were applied, none when there was nothing to do.
 * @throws AppError `catalogue_unavailable` when Postgres cannot be reached, with its message as the cause.
 */
export async function migrateToLatest(url: string): Promise<string[]> {
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
      const { error, results } = await migratorFor(db).migrateToLatest();
      if (error !== undefined) throw catalogueError(error);
      return (results ?? []).map((result) => result.migrationName);
    });
  } finally {
    await closeDatabase(db);
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
