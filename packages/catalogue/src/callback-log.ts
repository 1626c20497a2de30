import { sql } from "kysely";
import type { Selectable } from "kysely";
import { z } from "zod";
import type { Callback, Outcome, Page } from "@reelgate/shared/contract/recording";
import { redactBody } from "@reelgate/shared/redact";
import { callbackIdOf, parseCallbackId } from "./callback-id.ts";
import type { CatalogueDatabase } from "./database.ts";
import { catalogued } from "./failures.ts";
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
  let query = db.selectFrom("callbacks").selectAll();
  if (filter.outcome !== undefined) query = query.where("outcome", "=", filter.outcome);
  if (filter.eventType !== undefined) query = query.where("event_type", "=", filter.eventType);
  if (after !== null) query = query.where("seq", "<", after[0]);
  const rows = await catalogued(() =>
    query
      .orderBy("seq", "desc")
      .limit(page.limit + 1)
      .execute(),
  );
  return pageOf(rows, page.limit, toCallback, (row) => [row.seq]);
}

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
  const rows = await catalogued(() =>
    db
      .selectFrom("callbacks")
      .select(["outcome", sql<string>`count(*)`.as("count")])
      .groupBy("outcome")
      .execute(),
  );
  return new Map(rows.map((row) => [row.outcome, Number(row.count)]));
}

function toCallback(row: Selectable<CallbacksTable>): Callback {
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
