import { sql } from "kysely";
import type { Selectable, Transaction } from "kysely";
import type { MediaJob } from "@reelgate/shared/contract/jobs";
import type { Conflict } from "@reelgate/shared/contract/recording";
import type { RecordingEvent } from "@reelgate/shared/contract/recording-event";
import { textArray } from "./binary-array.ts";
import { conflictsWith } from "./conflicts.ts";
import type { Described } from "./conflicts.ts";
import { isoFromUnixMicroseconds, isoFromUnixMilliseconds } from "./instant.ts";
import type { RecordingsTable, Schema } from "./schema.ts";

/** What a callback says of the recording that it names. */
export interface NamedRecording {
  identity: string;
  event: RecordingEvent;
  receivedAtMs: number;
}

/** What a callback is to the recording that it names. */
export interface RecordingClaim {
  outcome: "recorded" | "duplicate" | "conflict";
  recordingId: string;
  conflicts: Conflict[];
  /** The media job that the recording waits for; null when it waits for none. */
  mediaJob: MediaJob | null;
}

/**
 * Makes the recordings that events describe, or finds and locks those that are there, and says what each event is to
 * its recording: one claim for each, in their order. Of several about one recording that is not there the first makes
 * it, and the others are held against what the first says.
 *
 * All callbacks about one recording are serialised here (guarantee G3): the first inserts it, and the unique constraint
 * on `identity` makes every concurrent one wait for that commit; the others lock its row.
 *
 * Nobody waits in a circle. Whoever settles callbacks waits for recordings that others are inserting, then for rows that
 * others have locked, then for the callbacks' own rows, always in that order, and in each step in one order for all:
 * identities, ids (in which everybody else who locks several recordings takes them too), digests.
 */
export async function claimRecordings(
  tx: Transaction<Schema>,
  named: readonly NamedRecording[],
): Promise<RecordingClaim[]> {
  const firsts = new Map<string, NewRecording>();
  for (const one of named) {
    if (!firsts.has(one.identity)) firsts.set(one.identity, newRecording(one));
  }
  const rows = [...firsts.values()].toSorted(byIdentity);
  const created = await insertRecordings(tx, rows);
  const known = rows.filter(({ identity }) => !created.has(identity));
  const locked = await lockRecordings(
    tx,
    known.map(({ identity }) => identity),
  );
  const claimed = new Set<string>();
  return named.map(({ identity, event }) => {
    const createdId = created.get(identity);
    if (createdId === undefined) return claimOn(required(locked.get(identity)), event);
    const recording: KnownRecording = {
      ...required(firsts.get(identity)),
      id: createdId,
      state: "pending",
      media_generation: 0,
    };
    if (claimed.has(identity)) return claimOn(recording, event);
    claimed.add(identity);
    return {
      outcome: "recorded",
      recordingId: createdId,
      conflicts: [],
      mediaJob: mediaJobOf(recording),
    };
  });
}

function claimOn(recording: KnownRecording, event: RecordingEvent): RecordingClaim {
  const conflicts = conflictsWith(recording, event);
  return {
    outcome: conflicts.length === 0 ? "duplicate" : "conflict",
    recordingId: recording.id,
    conflicts,
    mediaJob: mediaJobOf(recording),
  };
}

function mediaJobOf({ id, state, media_generation }: KnownRecording): MediaJob | null {
  return state === "pending" ? { recordingId: id, generation: media_generation } : null;
}

function required<T>(found: T | undefined): T {
  if (found === undefined) throw new Error("a recording that is there was not found");
  return found;
}

/** Counts callbacks on the recordings that they claimed; the row of a new recording counts its first one by itself. */
export async function countOnRecordings(
  tx: Transaction<Schema>,
  claims: readonly RecordingClaim[],
): Promise<void> {
  const further = claims.filter(({ outcome }) => outcome !== "recorded");
  if (further.length === 0) return;
  const byRecording = Map.groupBy(further, ({ recordingId }) => recordingId);
  const callbacks = [...byRecording.values()].map((of) => of.length);
  const conflicts = [...byRecording.values()].map(
    (of) => of.filter(({ outcome }) => outcome === "conflict").length,
  );
  await sql`
    update recordings set callback_count = callback_count + counted.callbacks,
      conflict_count = conflict_count + counted.conflicts
    from unnest(${[...byRecording.keys()]}::bigint[], ${callbacks}::integer[], ${conflicts}::integer[])
      as counted (id, callbacks, conflicts)
    where recordings.id = counted.id`.execute(tx);
}

/** What the catalogue has to know of a recording that is there. */
type KnownRecording = Described &
  Pick<Selectable<RecordingsTable>, "id" | "state" | "media_generation">;

type NewRecording = ReturnType<typeof newRecording>;

function newRecording({ identity, event, receivedAtMs }: NamedRecording) {
  return {
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
  };
}

function byIdentity(a: NewRecording, b: NewRecording): number {
  return a.identity < b.identity ? -1 : 1;
}

type TextColumn = {
  [K in keyof NewRecording]: NewRecording[K] extends string | null ? K : never;
}[keyof NewRecording];

/** The ids of the recordings that were not there, by identity. The rows are inserted in the order in which they come. */
async function insertRecordings(
  tx: Transaction<Schema>,
  rows: readonly NewRecording[],
): Promise<Map<string, string>> {
  if (rows.length === 0) return new Map();
  const column = <K extends keyof NewRecording>(name: K): NewRecording[K][] =>
    rows.map((row) => row[name]);
  const text = (name: TextColumn): Buffer => textArray(column(name));
  const inserted = await sql<{ id: string; identity: string }>`
    insert into recordings (identity, appid, app, appname, stream_id, channel_id, file_id, record_file_id, template_id,
      task_id, format, started_at, ended_at, declared_duration_s, declared_size_bytes, declared_bitrate_kbps,
      stream_param, callback_ext, media_start_time, video_url, received_at)
    select * from unnest(${text("identity")}::text[], ${text("appid")}::text[], ${text("app")}::text[],
      ${text("appname")}::text[], ${text("stream_id")}::text[], ${text("channel_id")}::text[],
      ${text("file_id")}::text[], ${text("record_file_id")}::text[], ${text("template_id")}::text[],
      ${text("task_id")}::text[], ${text("format")}::text[], ${column("started_at")}::timestamptz[],
      ${column("ended_at")}::timestamptz[], ${column("declared_duration_s")}::bigint[],
      ${column("declared_size_bytes")}::bigint[], ${column("declared_bitrate_kbps")}::bigint[],
      ${text("stream_param")}::text[], ${text("callback_ext")}::text[], ${column("media_start_time")}::bigint[],
      ${text("video_url")}::text[], ${column("received_at")}::timestamptz[])
    on conflict (identity) do nothing returning id, identity`.execute(tx);
  return new Map(inserted.rows.map(({ id, identity }) => [identity, id]));
}

/** By identity. In the order of their ids, in which everybody locks recordings. */
async function lockRecordings(
  tx: Transaction<Schema>,
  identities: readonly string[],
): Promise<Map<string, KnownRecording & { identity: string }>> {
  if (identities.length === 0) return new Map();
  const { rows } = await sql<KnownRecording & { identity: string }>`
    select id, identity, state, media_generation, app, appname, stream_id, file_id, record_file_id, template_id, task_id,
      format, started_at, ended_at, declared_duration_s, declared_size_bytes, video_url
    from recordings where identity = any(${textArray(identities)}::text[]) order by id for no key update`.execute(
    tx,
  );
  return new Map(rows.map((row) => [row.identity, row]));
}
