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
import { decodeCursor, pageOf, rowId } from "./page.ts";
import type { PageRequest } from "./page.ts";
import type { CallbacksTable } from "./schema.ts";

export interface CallbackFilter {
  outcome?: Outcome | undefined;
  eventType?: string | undefined;
}

const cursorKey = z.tuple([rowId]);

/**
 * One page of settled callbacks, the latest first.
 *
 * @throws AppError `invalid_query` for a foreign cursor, `catalogue_unavailable`.
 */
export async function listCallbacks(
  db: CatalogueDatabase,
  filter: CallbackFilter,
  page: PageRequest,
): Promise<Page<Callback>> {
  const after = page.cursor === null ? null : decodeCursor(page.cursor, cursorKey);
  const { rows } = await catalogued(() =>
    callbackListQuery(filter, after, page.limit + 1).execute(db),
  );
  return pageOf(rows, page.limit, toCallback, (row) => [row.seq]);
}

/**
 * The callbacks below `after` that pass the filter, the latest first, at most `limit` of them. As for recordings, each
 * page is read whole from one index, or from one range of it for each outcome.
 */
export function callbackListQuery(
  filter: CallbackFilter,
  after: readonly [seq: string] | null,
  limit: number,
): RawBuilder<Selectable<CallbacksTable>> {
  const { eventType, outcome } = filter;
  const keys: KeyRange["key"][] =
    eventType === undefined
      ? [outcome === undefined ? [] : [["outcome", outcome]]]
      : OUTCOMES.filter((one) => outcome === undefined || one === outcome).map((one) => [
          ["event_type", eventType],
          ["outcome", one],
        ]);
  const found = keys.map((key) =>
    newestOf(
      { table: "callbacks", key, order: ["seq"], from: ["0"], before: after ?? [MAX_SEQ] },
      limit,
    ),
  );
  return sql`
    select callbacks.* from (
      select seq from (${sql.join(found, sql` union all `)}) as found order by seq desc limit ${limit}
    ) as page join callbacks on callbacks.seq = page.seq
    order by page.seq desc`;
}

/** The largest bigint; the sequence cannot reach it. */
export const MAX_SEQ = "9223372036854775807";

/** One callback by its id (`cb-…`), or null when none with this id was settled. */
export async function getCallback(db: CatalogueDatabase, id: string): Promise<Callback | null> {
  const digest = parseCallbackId(id);
  if (digest === null) return null;
  return await catalogued(async () => {
    const row = await db
      .selectFrom("callbacks")
      .selectAll()
      .where("digest", "=", digest)
      .executeTakeFirst();
    return row === undefined ? null : toCallback(row);
  });
}

/**
 * The callbacks that named a recording, oldest first. Capped: whoever holds one signature can send any number of
 * contradicting bodies until it expires, and a page must not grow with that.
 */
export async function callbacksOfRecording(
  db: CatalogueDatabase,
  recordingId: string,
): Promise<Callback[]> {
  const rows = await db
    .selectFrom("callbacks")
    .selectAll()
    .where("recording_id", "=", recordingId)
    .orderBy("seq")
    .limit(MAX_CALLBACKS_SHOWN)
    .execute();
  return rows.map(toCallback);
}

const MAX_CALLBACKS_SHOWN = 200;

/** How many callbacks have each outcome, for the audit of guarantee G2. */
export async function countByOutcome(db: CatalogueDatabase): Promise<Map<Outcome, number>> {
  return await catalogued(() => countEach(db, "callbacks", "outcome", OUTCOMES));
}

export function toCallback(row: Selectable<CallbacksTable>): Callback {
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
