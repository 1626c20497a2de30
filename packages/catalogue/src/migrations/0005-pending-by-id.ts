import { sql } from "kysely";
import type { Kysely } from "kysely";

/**
 * The index by which the sweep walks what is pending, in a form that lists cannot take. Where the planner believes that
 * little is pending it would rather collect all of it by the old index and sort it than read one page of the index by
 * time. The second condition holds for every row: the sweep names it, and no list does.
 *
 * The new index is made first: recordings can be read meanwhile, and the strongest lock is held for a moment alone. Who
 * read in a transaction and then writes can be in its way; Postgres then ends one of the two, and both are tried again.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create index recordings_pending_by_id on recordings (id)
    where state = 'pending' and media_generation >= 0`.execute(db);
  await sql`drop index recordings_pending`.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`create index recordings_pending on recordings (id) where state = 'pending'`.execute(db);
  await sql`drop index recordings_pending_by_id`.execute(db);
}
