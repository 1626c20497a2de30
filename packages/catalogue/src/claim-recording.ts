import type { Transaction } from "kysely";
import type { MediaJob } from "@reelgate/shared/contract/jobs";
import type { Conflict } from "@reelgate/shared/contract/recording";
import type { RecordingEvent } from "@reelgate/shared/contract/recording-event";
import { conflictsWith } from "./conflicts.ts";
import { isoFromUnixMicroseconds, isoFromUnixMilliseconds } from "./instant.ts";
import type { Schema } from "./schema.ts";

/** What a callback is to the recording that it names. */
export interface RecordingClaim {
  outcome: "recorded" | "duplicate" | "conflict";
  recordingId: string;
  conflicts: Conflict[];
  /** The media job that the recording waits for; null when it waits for none. */
  mediaJob: MediaJob | null;
}

/**
 * Makes the recording that an event describes, or finds and locks the one that is there, and says what the event is to
 * it. All callbacks about one recording are serialised here (guarantee G3): the first inserts it, and the unique
 * constraint on `identity` makes every concurrent one wait for that commit; the others lock its row.
 *
 * Whoever settles a callback claims its recording first and touches the callback's row afterwards, always in that
 * order: two transactions never wait for each other.
 */
export async function claimRecording(
  tx: Transaction<Schema>,
  identity: string,
  event: RecordingEvent,
  receivedAtMs: number,
): Promise<RecordingClaim> {
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
      received_at: isoFromUnixMilliseconds(receivedAtMs),
    })
    .onConflict((conflict) => conflict.column("identity").doNothing())
    .returning("id")
    .executeTakeFirst();
  if (created !== undefined) {
    return {
      outcome: "recorded",
      recordingId: created.id,
      conflicts: [],
      mediaJob: { recordingId: created.id, generation: 0 },
    };
  }
  const recording = await tx
    .selectFrom("recordings")
    .selectAll()
    .where("identity", "=", identity)
    .forUpdate()
    .executeTakeFirstOrThrow();
  const conflicts = conflictsWith(recording, event);
  return {
    outcome: conflicts.length === 0 ? "duplicate" : "conflict",
    recordingId: recording.id,
    conflicts,
    mediaJob:
      recording.state === "pending"
        ? { recordingId: recording.id, generation: recording.media_generation }
        : null,
  };
}

/** Counts a callback on the recording that it claimed; the row of a new recording counts its first one by itself. */
export async function countOnRecording(
  tx: Transaction<Schema>,
  claim: RecordingClaim,
): Promise<void> {
  if (claim.outcome === "recorded") return;
  await tx
    .updateTable("recordings")
    .set((row) => ({
      callback_count: row("callback_count", "+", 1),
      conflict_count: row("conflict_count", "+", claim.outcome === "conflict" ? 1 : 0),
    }))
    .where("id", "=", claim.recordingId)
    .execute();
}
