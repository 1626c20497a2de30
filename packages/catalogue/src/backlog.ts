import { sql } from "kysely";
import type { CatalogueDatabase } from "./database.ts";
import { catalogued } from "./failures.ts";

/** What of the catalogue is not as it should be, for gauges. */
export interface CatalogueBacklog {
  /** Recordings without a verdict, counted up to {@link BACKLOG_COUNT_LIMIT}. */
  pending: number;
  /** When the callback of the first of them came, in Unix milliseconds; null when there is none. */
  oldestPendingReceivedAtMs: number | null;
  /** Recordings that were given up, counted up to {@link BACKLOG_COUNT_LIMIT}. */
  failed: number;
}

/** Whoever has more has no use for the number, and counting ten million index entries takes seconds. */
export const BACKLOG_COUNT_LIMIT = 10_000;

/**
 * Counts what waits and what failed from partial indexes, in bounded time whatever the size of the tables.
 *
 * @throws AppError `catalogue_unavailable`.
 */
export async function readBacklog(db: CatalogueDatabase): Promise<CatalogueBacklog> {
  const limit = sql.lit(BACKLOG_COUNT_LIMIT);
  const { rows } = await catalogued(() =>
    sql<{ pending: string; oldest: string | null; failed: string }>`
      select
        (select count(*) from (
          select from recordings where state = 'pending' limit ${limit}) as pending) as pending,
        (select received_at from recordings where state = 'pending' order by id limit 1) as oldest,
        (select count(*) from (
          select from recordings where state = 'failed' limit ${limit}) as failed) as failed
    `.execute(db),
  );
  const row = rows[0];
  if (row === undefined) throw new Error("a select without from has one row");
  return {
    pending: Number(row.pending),
    oldestPendingReceivedAtMs: row.oldest === null ? null : Date.parse(row.oldest),
    failed: Number(row.failed),
  };
}
