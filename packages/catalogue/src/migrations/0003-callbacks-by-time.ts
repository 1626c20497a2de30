import { sql } from "kysely";
import type { Kysely } from "kysely";

/**
 * Callbacks by the time of their outcome. The index ends in the outcome: a minute's outcomes are counted from it alone.
 *
 * Callbacks can be read but not written while it is built. One table a migration: with locks on two, this and whoever
 * takes them in the other order would wait for each other.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create index callbacks_by_settled_at on callbacks (settled_at, outcome)`.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`drop index callbacks_by_settled_at`.execute(db);
}
