import type { Transaction } from "kysely";
import type { MediaJob } from "@reelgate/shared/contract/jobs";
import type { RecordingEvent } from "@reelgate/shared/contract/recording-event";
import type { Outcome, Problem } from "@reelgate/shared/contract/recording";
import { label, endColumns } from "./callback-end.ts";
import type { CallbackEnd } from "./callback-end.ts";
import { digestOf } from "./callback-id.ts";
import { claimRecording, countOnRecording } from "./claim-recording.ts";
import type { CatalogueDatabase } from "./database.ts";
import { catalogued } from "./failures.ts";
import { isoFromUnixMilliseconds } from "./instant.ts";
import type { Schema } from "./schema.ts";

/** What stage 1 found out about a callback from its body alone. */
export type Verdict =
  | { kind: "recording"; identity: string; event: RecordingEvent; tolerated: Problem[] }
  | { kind: "invalid"; problems: Problem[] }
  | { kind: "unsupported" };

/** One callback, ready to be settled. */
export interface CallbackToSettle {
  /** `cb-` and the sha256 of the body in hex. */
  id: string;
  body: string;
  receivedAtMs: number;
  requestId: string;
  remoteAddress: string | null;
  keyIndex: number | null;
  eventType: string | null;
  unknownFields: string[];
  verdict: Verdict;
}

export interface Settlement {
  outcome: Outcome;
  recordingId: string | null;
  /** True when this callback had its outcome already: nothing was changed. */
  repeated: boolean;
  /** The media job that the recording waits for; null when it waits for none. */
  mediaJob: MediaJob | null;
}

/**
 * Gives a callback its one outcome, in one transaction (guarantees G2 and G3).
 *
 * All callbacks about one recording are serialised by its row: the first inserts it, and the unique constraint on
 * `identity` makes every concurrent one wait for that commit; the others lock it with FOR UPDATE before they look
 * whether they were settled before. So of any number of runs of one callback, concurrent or after a crash, exactly one
 * inserts it and counts it; the others find it and change nothing.
 *
 * The media job is not part of the transaction: Redis is not. It is named for every recording that is pending,
 * also for a repeated callback, so that a crash between commit and enqueue is mended by the run that follows.
 *
 * @throws AppError `catalogue_unavailable` (nothing was stored, try again) or `catalogue_rejected` (Postgres will never
 * take this row).
 */
export async function settleCallback(
  db: CatalogueDatabase,
  callback: CallbackToSettle,
): Promise<Settlement> {
  return await catalogued(async () => {
    try {
      return await db.transaction().execute((tx) => settleIn(tx, callback));
    } catch (error) {
      if (error instanceof SettledUnderAnotherIdentity) return await settledBefore(db, callback);
      throw error;
    }
  });
}

/**
 * Rolls back: this callback was settled by a version that identified recordings by another rule, so its recording
 * exists under another identity, and a second row for it must not come to be.
 */
class SettledUnderAnotherIdentity extends Error {}

async function settleIn(tx: Transaction<Schema>, callback: CallbackToSettle): Promise<Settlement> {
  const { verdict } = callback;
  switch (verdict.kind) {
    case "recording":
      return await settleRecording(tx, callback, verdict);
    case "invalid":
      return await settleWithoutRecording(tx, callback, "invalid", verdict.problems);
    case "unsupported":
      return await settleWithoutRecording(tx, callback, "unsupported", []);
    default:
      return verdict satisfies never;
  }
}

async function settleRecording(
  tx: Transaction<Schema>,
  callback: CallbackToSettle,
  verdict: Extract<Verdict, { kind: "recording" }>,
): Promise<Settlement> {
  const { event, identity, tolerated } = verdict;
  const claim = await claimRecording(tx, identity, event, callback.receivedAtMs);
  const { outcome, recordingId, conflicts, mediaJob } = claim;
  const inserted = await insertCallback(tx, callback, {
    outcome,
    recordingId,
    problems: tolerated,
    conflicts,
  });
  if (!inserted) {
    if (outcome === "recorded") throw new SettledUnderAnotherIdentity();
    return { ...(await settledBefore(tx, callback)), mediaJob };
  }
  await countOnRecording(tx, claim);
  return { outcome, recordingId, repeated: false, mediaJob };
}

async function settleWithoutRecording(
  tx: Transaction<Schema>,
  callback: CallbackToSettle,
  outcome: "invalid" | "unsupported",
  problems: Problem[],
): Promise<Settlement> {
  const inserted = await insertCallback(tx, callback, {
    outcome,
    recordingId: null,
    problems,
    conflicts: [],
  });
  if (!inserted) return await settledBefore(tx, callback);
  return { outcome, recordingId: null, repeated: false, mediaJob: null };
}

async function insertCallback(
  tx: Transaction<Schema>,
  callback: CallbackToSettle,
  end: CallbackEnd,
): Promise<boolean> {
  const inserted = await tx
    .insertInto("callbacks")
    .values({
      digest: digestOf(callback.id),
      received_at: isoFromUnixMilliseconds(callback.receivedAtMs),
      remote_address: label(callback.remoteAddress),
      request_id: label(callback.requestId),
      key_index: callback.keyIndex,
      body: Buffer.from(callback.body),
      ...endColumns(callback, end),
    })
    .onConflict((conflict) => conflict.column("digest").doNothing())
    .returning("seq")
    .executeTakeFirst();
  return inserted !== undefined;
}

async function settledBefore(
  db: CatalogueDatabase,
  callback: CallbackToSettle,
): Promise<Settlement> {
  const row = await db
    .selectFrom("callbacks")
    .select(["outcome", "recording_id"])
    .where("digest", "=", digestOf(callback.id))
    .executeTakeFirstOrThrow();
  return { outcome: row.outcome, recordingId: row.recording_id, repeated: true, mediaJob: null };
}
