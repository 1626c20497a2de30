import { sql } from "kysely";
import type { Kysely } from "kysely";

/**
 * The rows of a page, by a bitmap, which these connections otherwise leave aside (see database.ts). Of a bitmap Postgres
 * reads several pages ahead; by the index, or joined, it waits for one page after the other, which is what a page costs
 * whose rows are not in memory (npm run bench -- catalogue --rows 10000000).
 *
 * A function, because settings of a single query go with nothing else.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create function recordings_of_ids(ids bigint[]) returns setof recordings language sql stable rows 50
      set enable_bitmapscan = on set enable_indexscan = off set enable_seqscan = off
      as 'select * from recordings where id = any(ids)'`.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`drop function recordings_of_ids`.execute(db);
}
