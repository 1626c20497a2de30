import type { Transaction } from "kysely";
import type { MediaJob } from "@reelgate/shared/contract/jobs";
import type { RecordingEvent } from "@reelgate/shared/contract/recording-event";
import type { Conflict, Outcome, Problem } from "@reelgate/shared/contract/recording";
import { digestOf } from "./callback-id.ts";
import { conflictsWith } from "./conflicts.ts";
import type { CatalogueDatabase } from "./database.ts";
import { catalogued } from "./failures.ts";
import { isoFromUnixMicroseconds, isoFromUnixMilliseconds } from "./instant.ts";
import { json } from "./json-column.ts";
import type { Schema } from "./schema.ts";
import { MAX_LABEL_CHARS, storable } from "./text-column.ts";

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
  const { event, identity } = verdict;
  const created = await tx
    .insertInto("recordings")
    .values({
      identity,
      appid: event.appid,
      app: event.app,
      appname: event.appname,
      stream_id: event.streamId,
      channel_id: event.channelId,
      file_id: event.fileId,
      record_file_id: event.recordFileId,
      template_id: event.templateId,
      task_id: event.taskId,
      format: event.format,
      started_at: isoFromUnixMicroseconds(event.startedAtUs),
      ended_at: isoFromUnixMicroseconds(event.endedAtUs),
      declared_duration_s: event.durationS,
      declared_size_bytes: event.sizeBytes,
      declared_bitrate_kbps: event.bitrateKbps,
      stream_param: event.streamParam,
      callback_ext: event.callbackExt,
      media_start_time: event.mediaStartTime,
      video_url: event.videoUrl,
      received_at: isoFromUnixMilliseconds(callback.receivedAtMs),
    })
    .onConflict((conflict) => conflict.column("identity").doNothing())
    .returning("id")
    .executeTakeFirst();
  if (created !== undefined) {
    const inserted = await insertCallback(tx, callback, {
      outcome: "recorded",
      recordingId: created.id,
      problems: verdict.tolerated,
      conflicts: [],
    });
    if (!inserted) throw new SettledUnderAnotherIdentity();
    return {
      outcome: "recorded",
      recordingId: created.id,
      repeated: false,
      mediaJob: { recordingId: created.id, generation: 0 },
    };
  }

  const recording = await tx
    .selectFrom("recordings")
    .selectAll()
    .where("identity", "=", identity)
    .forUpdate()
    .executeTakeFirstOrThrow();
  const mediaJob: MediaJob | null =
    recording.state === "pending"
      ? { recordingId: recording.id, generation: recording.media_generation }
      : null;
  const conflicts = conflictsWith(recording, event);
  const outcome: Outcome = conflicts.length === 0 ? "duplicate" : "conflict";
  const inserted = await insertCallback(tx, callback, {
    outcome,
    recordingId: recording.id,
    problems: verdict.tolerated,
    conflicts,
  });
  if (!inserted) return { ...(await settledBefore(tx, callback)), mediaJob };
  await tx
    .updateTable("recordings")
    .set((row) => ({
      callback_count: row("callback_count", "+", 1),
      conflict_count: row("conflict_count", "+", outcome === "conflict" ? 1 : 0),
    }))
    .where("id", "=", recording.id)
    .execute();
  return { outcome, recordingId: recording.id, repeated: false, mediaJob };
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

/** Whatever surrounds a callback, its outcome must be storable. */
function label(text: string | null): string | null {
  return text === null ? null : storable(text, MAX_LABEL_CHARS);
}

async function insertCallback(
  tx: Transaction<Schema>,
  callback: CallbackToSettle,
  end: { outcome: Outcome; recordingId: string | null; problems: Problem[]; conflicts: Conflict[] },
): Promise<boolean> {
  const inserted = await tx
    .insertInto("callbacks")
    .values({
      digest: digestOf(callback.id),
      outcome: end.outcome,
      event_type: label(callback.eventType),
      recording_id: end.recordingId,
      received_at: isoFromUnixMilliseconds(callback.receivedAtMs),
      remote_address: label(callback.remoteAddress),
      request_id: label(callback.requestId),
      key_index: callback.keyIndex,
      body: Buffer.from(callback.body),
      problems: json(end.problems),
      conflicts: json(end.conflicts),
      unknown_fields: json(callback.unknownFields),
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
