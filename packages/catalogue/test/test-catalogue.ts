import { sql } from "kysely";
import type { Page } from "@reelgate/shared/contract/recording";
import { createTestDatabase } from "@reelgate/testkit/postgres";
import type { AuditRange } from "../src/audit.ts";
import { closeDatabase } from "../src/database.ts";
import type { CatalogueDatabase } from "../src/database.ts";
import type { PageRequest } from "../src/page.ts";
import { open } from "./settling.ts";

/** A catalogue with the schema, in a database of its own that is dropped when this is disposed of. */
export type TestCatalogue = CatalogueDatabase & AsyncDisposable & { readonly url: string };

export async function openTestCatalogue(
  options: { poolSize?: number } = {},
): Promise<TestCatalogue> {
  const database = await createTestDatabase();
  // Tests queue hundreds of callbacks at a time for ten connections, and a busy machine needs its time for them.
  const db = open(database.url, { connectTimeoutMs: 30_000, ...options });
  return Object.assign(db, {
    url: database.url,
    async [Symbol.asyncDispose]() {
      await closeDatabase(db);
      await database.drop();
    },
  });
}

/** Takes every row out of a catalogue. */
export async function empty(db: CatalogueDatabase): Promise<void> {
  await sql`truncate recordings, callbacks, looks`.execute(db);
}

/** The range of all recordings. */
export const EVERYTHING: Pick<AuditRange, "after" | "last"> = {
  after: "0",
  last: "9223372036854775807",
};

/** The items of every page of a list, from the first page to the one without a cursor. */
export async function walkPages<T>(
  list: (page: PageRequest) => Promise<Page<T>>,
  limit: number,
): Promise<T[][]> {
  const pages: T[][] = [];
  let cursor: string | null = null;
  do {
    const page: Page<T> = await list({ limit, cursor });
    pages.push(page.items);
    cursor = page.nextCursor;
  } while (cursor !== null);
  return pages;
}

const POOL_SIZE = 10;

/**
 * How many transactions Postgres has ended for a deadlock in this database, those of the pool's last statements too: a
 * session tells its counts once a second at most, unless it is asked to, so every session is.
 */
export async function deadlocks(db: CatalogueDatabase): Promise<number> {
  await Promise.all(
    Array.from({ length: POOL_SIZE }, () =>
      sql`select pg_stat_force_next_flush(), pg_sleep(0.05)`.execute(db),
    ),
  );
  const { rows } = await sql<{ deadlocks: string }>`
    select deadlocks from pg_stat_database where datname = current_database()`.execute(db);
  return Number(rows[0]?.deadlocks);
}
