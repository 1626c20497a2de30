import { sql } from "kysely";
import type { Transaction } from "kysely";
import { byteaArray, textArray } from "./binary-array.ts";
import { endColumns, label } from "./callback-end.ts";
import type { CallbackEnd } from "./callback-end.ts";
import { callbackIdOf, digestOf } from "./callback-id.ts";
import { isoFromUnixMilliseconds } from "./instant.ts";
import type { Schema } from "./schema.ts";

/** What came with a callback and what stage 1 made of it, beside its end. */
export interface CallbackFacts {
  /** `cb-` and the sha256 of the body in hex. */
  id: string;
  body: string;
  receivedAtMs: number;
  requestId: string;
  remoteAddress: string | null;
  keyIndex: number | null;
  eventType: string | null;
  unknownFields: string[];
}

/** A callback with how it ends. */
export interface EndedCallback {
  callback: CallbackFacts;
  end: CallbackEnd;
}

/**
 * Inserts the rows of callbacks, each of another body, in the order in which they come, and gives the ids of those that
 * were not there.
 */
export async function insertCallbacks(
  tx: Transaction<Schema>,
  ended: readonly EndedCallback[],
): Promise<Set<string>> {
  if (ended.length === 0) return new Set();
  const facts = ended.map(({ callback }) => callback);
  const ends = ended.map(({ callback, end }) => endColumns(callback, end));
  const inserted = await sql<{ digest: Buffer }>`
    insert into callbacks (digest, received_at, remote_address, request_id, key_index, body, outcome, event_type,
      recording_id, problems, conflicts, unknown_fields)
    select * from unnest(${byteaArray(facts.map(({ id }) => digestOf(id)))}::bytea[],
      ${facts.map(({ receivedAtMs }) => isoFromUnixMilliseconds(receivedAtMs))}::timestamptz[],
      ${textArray(facts.map(({ remoteAddress }) => label(remoteAddress)))}::text[],
      ${textArray(facts.map(({ requestId }) => label(requestId)))}::text[], ${facts.map(({ keyIndex }) => keyIndex)}::integer[],
      ${byteaArray(facts.map(({ body }) => Buffer.from(body)))}::bytea[], ${textArray(ends.map(({ outcome }) => outcome))}::text[],
      ${textArray(ends.map(({ event_type }) => event_type))}::text[],
      ${ends.map(({ recording_id }) => recording_id)}::bigint[], ${ends.map(({ problems }) => problems)}::jsonb[],
      ${ends.map(({ conflicts }) => conflicts)}::jsonb[],
      ${ends.map(({ unknown_fields }) => unknown_fields)}::jsonb[])
    on conflict (digest) do nothing returning digest`.execute(tx);
  return new Set(inserted.rows.map(({ digest }) => callbackIdOf(digest)));
}
