import { sql } from "kysely";
import type { CatalogueDatabase } from "./database.ts";
import { callbackIdOf, digestOf } from "./callback-id.ts";
import { catalogued } from "./failures.ts";

/**
 * Retention: what is old is removed in small transactions, each of which leaves the catalogue sound. A run that is
 * killed has removed what it had removed; the next one goes on.
 */

export interface PruneWindow {
  /** ISO 8601: what was settled, or ended, before it is removed. */
  before: string;
  /** Rows that one transaction removes at most. */
  batchSize: number;
}

export interface CallbackBatch {
  /** Ids of the callbacks of the batch that may be removed. */
  ids: string[];
  /** Number of its last row, from which the next batch begins; null behind the last batch. */
  nextAfterSeq: string | null;
}

/** Between times and numbers of rows there is no more disorder than this; see callback-search.ts. */
const MAX_DISORDER = sql`interval '1 hour'`;

/** Rows that {@link prunableCallbacks} walks: the number of the last, for a progress bar. */
export async function lastPrunableSeq(db: CatalogueDatabase, before: string): Promise<string> {
  return await catalogued(async () => {
    const { rows } = await sql<{ seq: string }>`
      select coalesce(
        (select seq from callbacks where settled_at > ${before}::timestamptz + ${MAX_DISORDER}
          order by settled_at limit 1),
        (select max(seq) from callbacks), 0) as seq`.execute(db);
    return rows[0]?.seq ?? "0";
  });
}

/**
 * The next callbacks, in the order of their numbers, that were settled before the window's end and whose recording, if
 * they have one, is not pending.
 */
export async function prunableCallbacks(
  db: CatalogueDatabase,
  window: PruneWindow,
  range: { afterSeq: string; lastSeq: string },
): Promise<CallbackBatch> {
  return await catalogued(async () => {
    const { rows } = await sql<{ seq: string; digest: Buffer; prunable: boolean }>`
      select c.seq, c.digest, c.settled_at < ${window.before}::timestamptz
        and not exists (select from recordings r where r.id = c.recording_id and r.state = 'pending')
        as prunable
      from callbacks c where c.seq > ${range.afterSeq} and c.seq <= ${range.lastSeq}
      order by c.seq limit ${window.batchSize}`.execute(db);
    const ids = rows.filter(({ prunable }) => prunable).map(({ digest }) => callbackIdOf(digest));
    return {
      ids,
      nextAfterSeq: rows.length < window.batchSize ? null : (rows.at(-1)?.seq ?? null),
    };
  });
}

/**
 * Removes callbacks and counts them as removed on their recordings, in one transaction. Left out are those that were
 * settled anew meanwhile, and those of a recording that was sent back to pending.
 *
 * The recordings are locked first, in the order of their ids, as whoever settles a callback locks its recording first:
 * nobody waits for each other.
 *
 * @returns how many were removed.
 */
export async function deleteCallbacks(
  db: CatalogueDatabase,
  ids: readonly string[],
  before: string,
): Promise<number> {
  if (ids.length === 0) return 0;
  const digests = ids.map(digestOf);
  return await catalogued(() =>
    db.transaction().execute(async (tx) => {
      await sql`
        select from recordings where id in (
          select recording_id from callbacks where digest = any(${digests}::bytea[]))
        order by id for no key update`.execute(tx);
      const { rows } = await sql<{ deleted: string }>`
        with gone as (
          delete from callbacks c where digest = any(${digests}::bytea[])
            and settled_at < ${before}::timestamptz
            and not exists (select from recordings r where r.id = c.recording_id and r.state = 'pending')
          returning recording_id
        ), counted as (
          update recordings r set pruned_callbacks = pruned_callbacks + removed.count
          from (select recording_id, count(*)::integer as count from gone
            where recording_id is not null group by recording_id) as removed
          where r.id = removed.recording_id
        )
        select count(*) as deleted from gone`.execute(tx);
      return Number(rows[0]?.deleted ?? 0);
    }),
  );
}

/**
 * Removes one batch of looks that ended before the window's end, but for those of pending recordings.
 *
 * @returns how many were removed; 0 when none is left.
 */
export async function deleteLooks(db: CatalogueDatabase, window: PruneWindow): Promise<number> {
  return await catalogued(async () => {
    const { numAffectedRows } = await sql`
      delete from looks where id in (
        select id from looks where ended_at < ${window.before}::timestamptz
          and not exists (select from recordings r where r.id = looks.recording_id and r.state = 'pending')
        order by ended_at limit ${window.batchSize})`.execute(db);
    return Number(numAffectedRows ?? 0n);
  });
}

/** How many looks ended before a time, but for those of pending recordings. */
export async function countLooksBefore(db: CatalogueDatabase, before: string): Promise<number> {
  return await catalogued(async () => {
    const { rows } = await sql<{ count: string }>`
      select count(*) as count from looks where ended_at < ${before}::timestamptz
        and not exists (select from recordings r where r.id = looks.recording_id and r.state = 'pending')`.execute(
      db,
    );
    return Number(rows[0]?.count ?? 0);
  });
}
