import { sql } from "kysely";
import type { RawBuilder, Selectable } from "kysely";
import { z } from "zod";
import { OUTCOMES } from "@reelgate/shared/contract/recording";
import type { Callback, Outcome, Page } from "@reelgate/shared/contract/recording";
import { redactBody } from "@reelgate/shared/redact";
import { callbackIdOf, parseCallbackId } from "./callback-id.ts";
import { countEach } from "./counts.ts";
import type { CatalogueDatabase } from "./database.ts";
import { catalogued } from "./failures.ts";
import { newestOf } from "./key-range.ts";
import type { KeyRange } from "./key-range.ts";
import { MAX_CANDIDATES } from "./list-query.ts";
import { decodeCursor, encodeCursor, rowId } from "./page.ts";
import type { PageRequest } from "./page.ts";
import type { CallbacksTable } from "./schema.ts";

export interface CallbackFilter {
  outcome?: Outcome | undefined;
  eventType?: string | undefined;
  /** Callbacks that named this recording. */
  recordingId?: string | undefined;
}

/** A place in the list, which is the number of the callback before it. */
type Place = readonly [seq: string];

const placeSchema = z.tuple([rowId]);

/**
 * The place that a cursor of {@link callbackCursor} stands for; null for the first page.
 *
 * @throws AppError `invalid_query` for a foreign cursor.
 */
export function placeOf({ cursor }: PageRequest): Place | null {
  return cursor === null ? null : decodeCursor(cursor, placeSchema);
}

/** The cursor of the page after one that ends with this row. */
export function callbackCursor({ seq }: Pick<CallbackRow, "seq">): string {
  return encodeCursor([seq]);
}

/**
 * One page of settled callbacks, the latest first. The last page alone has no `nextCursor`; another one may have fewer
 * than `limit` callbacks: it ends where its bodies together pass {@link MAX_PAGE_BODY_BYTES}, or, where the filter has
 * no index, at {@link MAX_CANDIDATES} looked at.
 *
 * @throws AppError `invalid_query` for a foreign cursor, `catalogue_unavailable`.
 */
export async function listCallbacks(
  db: CatalogueDatabase,
  filter: CallbackFilter,
  page: PageRequest,
): Promise<Page<Callback>> {
  const after = placeOf(page);
  if (filter.recordingId !== undefined && !rowId.safeParse(filter.recordingId).success) {
    return { items: [], nextCursor: null };
  }
  const { rows } = await catalogued(() => callbackListQuery(filter, after, page.limit).execute(db));
  const items = rows.filter((row) => row.fits).map(toCallback);
  const last = rows.at(-1);
  return { items, nextCursor: last?.goes_on === true ? callbackCursor(last) : null };
}

/**
 * Bodies of one page together, beside those of its last callback. To read and redact 12 MB, which are 200 bodies of 60
 * KB, took two seconds of the event loop; real bodies have 2 KB, of which 200 fit.
 */
export const MAX_PAGE_BODY_BYTES = 1_048_576;

export type CallbackRow = Selectable<CallbacksTable>;

/** A row as the list's query gives it. */
export type CallbackListRow = CallbackRow & {
  /** False for a row that is there only to say where the search stopped. */
  fits: boolean;
  /** There is, or may be, another after this row. */
  goes_on: boolean;
};

/**
 * The callbacks below `after` that pass the filter, the latest first, at most `limit` of them and at most so many that
 * their bodies stay within the bound. As for recordings, each page is read whole from one index, or from one range of it
 * for each outcome; the outcome and type of a recording's callbacks are checked one by one.
 */
export function callbackListQuery(
  filter: CallbackFilter,
  after: Place | null,
  limit: number,
): RawBuilder<CallbackListRow> {
  const { ranges, unindexed } = accessTo(filter);
  // One more tells whether there is another page.
  const count = unindexed.length === 0 ? limit + 1 : MAX_CANDIDATES;
  const found = ranges.map((range) =>
    newestOf(
      { table: "callbacks", order: ["seq"], from: ["0"], before: after ?? [MAX_SEQ], ...range },
      count,
    ),
  );
  const keys = sql`
    select seq from (${sql.join(found, sql` union all `)}) as found order by seq desc limit ${count}`;
  const fits =
    unindexed.length === 0 ? sql`true` : sql`(${sql.join(unindexed, sql` and `)}) is true`;
  // The search stopped at the last candidate, which is shown, fitting or not, to say where.
  const stopped = unindexed.length === 0 ? sql`false` : sql`place = ${count}`;
  return sql`
    select * from (
      select callbacks.*, fits, stopped or lead(callbacks.seq) over newest is not null as goes_on,
        row_number() over newest as shown,
        coalesce(sum(length(body)) over (newest rows between unbounded preceding and 1 preceding), 0) as bytes_before
      from (
        select callbacks.*, ${fits} as fits, ${stopped} as stopped
        from (select seq, row_number() over (order by seq desc) as place from (${keys}) as keys) as candidate
        join callbacks on callbacks.seq = candidate.seq
        where ${fits} or ${stopped}
      ) as callbacks
      window newest as (order by callbacks.seq desc)
    ) as page
    where shown <= ${limit} and bytes_before <= ${MAX_PAGE_BODY_BYTES}
    order by seq desc`;
}

function accessTo({ outcome, eventType, recordingId }: CallbackFilter): {
  ranges: Pick<KeyRange, "key" | "predicate">[];
  unindexed: RawBuilder<unknown>[];
} {
  const ofOutcome: KeyRange["key"] = outcome === undefined ? [] : [["outcome", outcome]];
  const ofType: KeyRange["key"] = eventType === undefined ? [] : [["event_type", eventType]];
  if (recordingId !== undefined) {
    return {
      ranges: [{ key: [["recording_id", recordingId]], predicate: sql`recording_id is not null` }],
      unindexed: [...ofOutcome, ...ofType].map(
        ([column, value]) => sql`callbacks.${sql.ref(column)} = ${value}`,
      ),
    };
  }
  if (eventType === undefined) return { ranges: [{ key: ofOutcome }], unindexed: [] };
  return {
    ranges: OUTCOMES.filter((one) => outcome === undefined || one === outcome).map((one) => ({
      key: [...ofType, ["outcome", one]],
    })),
    unindexed: [],
  };
}

/** The largest bigint; the sequence cannot reach it. */
export const MAX_SEQ = "9223372036854775807";

/** One callback by its id (`cb-…`), or null when none with this id was settled. */
export async function getCallback(db: CatalogueDatabase, id: string): Promise<Callback | null> {
  const row = await findCallback(db, id);
  return row === null ? null : toCallback(row);
}

/** The row of one callback by its id, or null. */
export async function findCallback(db: CatalogueDatabase, id: string): Promise<CallbackRow | null> {
  const digest = parseCallbackId(id);
  if (digest === null) return null;
  return await catalogued(async () => {
    const row = await db
      .selectFrom("callbacks")
      .selectAll()
      .where("digest", "=", digest)
      .executeTakeFirst();
    return row ?? null;
  });
}

/**
 * The callbacks that named a recording, oldest first. Capped, by their number and by the bytes of their bodies: whoever
 * holds one signature can send any number of contradicting bodies until it expires, and a page must not grow with that.
 */
export async function callbacksOfRecording(
  db: CatalogueDatabase,
  recordingId: string,
): Promise<Callback[]> {
  const { rows } = await sql<CallbackRow>`
    select * from (
      select callbacks.*, coalesce(
        sum(length(body)) over (order by seq rows between unbounded preceding and 1 preceding), 0) as bytes_before
      from (
        select * from callbacks where recording_id = ${recordingId} order by seq limit ${MAX_CALLBACKS_SHOWN}
      ) as callbacks
    ) as shown
    where bytes_before <= ${MAX_PAGE_BODY_BYTES} order by seq`.execute(db);
  return rows.map(toCallback);
}

const MAX_CALLBACKS_SHOWN = 200;

/** How many callbacks have each outcome, for the audit of guarantee G2. */
export async function countByOutcome(db: CatalogueDatabase): Promise<Map<Outcome, number>> {
  return await catalogued(() => countEach(db, "callbacks", "outcome", OUTCOMES));
}

export function toCallback(row: CallbackRow): Callback {
  return {
    id: callbackIdOf(row.digest),
    outcome: row.outcome,
    eventType: row.event_type,
    recordingId: row.recording_id,
    receivedAt: row.received_at,
    settledAt: row.settled_at,
    remoteAddress: row.remote_address,
    requestId: row.request_id,
    keyIndex: row.key_index,
    problems: row.problems,
    conflicts: row.conflicts,
    unknownFields: row.unknown_fields,
    body: redactBody(row.body.toString("utf8")),
  };
}
