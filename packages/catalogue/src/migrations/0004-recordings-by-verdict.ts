import { sql } from "kysely";
import type { Kysely } from "kysely";

/** Recordings by the time of their verdict, and failed ones by its code. They can be read but not written meanwhile. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create index recordings_by_verified_at on recordings (verified_at)
    where verified_at is not null`.execute(db);
  await sql`create index recordings_failed_by_code on recordings (failure_code)
    where state = 'failed'`.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`drop index recordings_failed_by_code, recordings_by_verified_at`.execute(db);
}
