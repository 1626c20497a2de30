import { sql } from "kysely";
import type { Callback, Outcome, Page } from "@reelgate/shared/contract/recording";
import { callbackIdOf } from "./callback-id.ts";
import {
  MAX_SEQ,
  callbackCursor,
  callbackListQuery,
  findCallback,
  placeOf,
  toCallback,
} from "./callback-log.ts";
import type { CallbackFilter, CallbackRow } from "./callback-log.ts";
import type { CatalogueDatabase } from "./database.ts";
import { catalogued } from "./failures.ts";
import type { PageRequest } from "./page.ts";

/** Narrows a search; `since` and `until` bound the time of settling (ISO 8601, `until` excluded). */
export interface CallbackSearch extends CallbackFilter {
  since?: string | undefined;
  until?: string | undefined;
}

/** A settled callback with all that a second judgement needs. Its body is as it came: it holds secrets. */
export interface StoredCallback {
  id: string;
  outcome: Outcome;
  receivedAtMs: number;
  requestId: string | null;
  remoteAddress: string | null;
  keyIndex: number | null;
  body: Buffer;
}

/**
 * One page of settled callbacks, the latest first, for people: secrets redacted. A page may be shorter than its limit;
 * the last one alone has no cursor.
 *
 * @throws AppError `invalid_query` for a foreign cursor, `catalogue_unavailable`.
 */
export async function searchCallbacks(
  db: CatalogueDatabase,
  search: CallbackSearch,
  page: PageRequest,
): Promise<Page<Callback>> {
  return await searchPage(db, search, page, toCallback);
}

/** The same, with the bodies as they came, for a replay. */
export async function searchStoredCallbacks(
  db: CatalogueDatabase,
  search: CallbackSearch,
  page: PageRequest,
): Promise<Page<StoredCallback>> {
  return await searchPage(db, search, page, toStored);
}

/** One callback as it came; null when none with this id was settled. */
export async function getStoredCallback(
  db: CatalogueDatabase,
  id: string,
): Promise<StoredCallback | null> {
  const row = await findCallback(db, id);
  return row === null ? null : toStored(row);
}

/**
 * Rows get their number when they are written, and their time when the transaction begins that writes them. Times are
 * therefore in the order of the numbers but for the length of a transaction, which no statement timeout lets grow to
 * this.
 */
const MAX_DISORDER = sql`interval '1 hour'`;

/** Numbers of rows between which everything lies that was settled between two times. */
async function seqBounds(
  db: CatalogueDatabase,
  { since, until }: CallbackSearch,
): Promise<{ above: bigint; below: string }> {
  const { rows } = await sql<{ above: string | null; below: string | null }>`
    select
      (select seq from callbacks where settled_at < ${since ?? "-infinity"}::timestamptz - ${MAX_DISORDER}
        order by settled_at desc limit 1) as above,
      (select seq from callbacks where settled_at > ${until ?? "infinity"}::timestamptz + ${MAX_DISORDER}
        order by settled_at limit 1) as below`.execute(db);
  return { above: BigInt(rows[0]?.above ?? "0"), below: rows[0]?.below ?? MAX_SEQ };
}

async function searchPage<T>(
  db: CatalogueDatabase,
  search: CallbackSearch,
  page: PageRequest,
  toItem: (row: CallbackRow) => T,
): Promise<Page<T>> {
  const after = placeOf(page);
  return await catalogued(async () => {
    const { above, below } = await seqBounds(db, search);
    const { rows } = await callbackListQuery(search, after ?? [below], page.limit).execute(db);
    const last = rows.at(-1);
    // A page may end before its limit, where its bodies fill it: the list alone knows whether it goes on.
    const isOver = last?.goes_on !== true || BigInt(last.seq) <= above;
    return {
      items: rows.filter((row) => row.fits && isSettledWithin(row, search)).map(toItem),
      nextCursor: isOver ? null : callbackCursor(last),
    };
  });
}

/** All of these are UTC with microseconds: as text they are ordered as in time. */
function isSettledWithin({ settled_at }: CallbackRow, { since, until }: CallbackSearch): boolean {
  return (
    (since === undefined || settled_at >= since) && (until === undefined || settled_at < until)
  );
}

function toStored(row: CallbackRow): StoredCallback {
  return {
    id: callbackIdOf(row.digest),
    outcome: row.outcome,
    receivedAtMs: Date.parse(row.received_at),
    requestId: row.request_id,
    remoteAddress: row.remote_address,
    keyIndex: row.key_index,
    body: row.body,
  };
}
