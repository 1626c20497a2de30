import type { Selectable } from "kysely";
import { z } from "zod";
import { readCallbackExt } from "@reelgate/shared/callback-ext";
import type { Page, Recording, RecordingWithCallbacks } from "@reelgate/shared/contract/recording";
import { redactJson, redactStreamParam, redactText, redactUrl } from "@reelgate/shared/redact";
import { MAX_PAGE_BODY_BYTES, callbacksOfRecording } from "./callback-log.ts";
import type { CatalogueDatabase } from "./database.ts";
import { catalogued } from "./failures.ts";
import { listQuery } from "./list-query.ts";
import type { ListKey, RecordingFilter } from "./list-query.ts";
import { looksOfRecording } from "./looks.ts";
import { decodeCursor, encodeCursor, pageOf, rowId } from "./page.ts";
import type { PageRequest } from "./page.ts";
import type { RecordingsTable } from "./schema.ts";

export type { RecordingFilter } from "./list-query.ts";

type RecordingRow = Selectable<RecordingsTable>;

/** As `isoMicroseconds` writes it. Postgres knows no year 0. */
const startedAt = z.iso.datetime({ precision: 6 }).refine((text) => !text.startsWith("0000"));
const cursorKey = z.tuple([startedAt, rowId]);

/**
 * One page of recordings, the latest start first. The last page alone has no `nextCursor`; another one may have fewer
 * than `limit` recordings: it ends where they together pass {@link MAX_PAGE_BODY_BYTES}, beside the last of them. It may
 * have none, where the filter has no index and so few rows pass that the search for them goes on with the next page.
 *
 * @throws AppError `invalid_query` for a foreign cursor, `catalogue_unavailable`.
 */
export async function listRecordings(
  db: CatalogueDatabase,
  filter: RecordingFilter,
  page: PageRequest,
): Promise<Page<Recording>> {
  const { items: rows, nextCursor } = await listRecordingRows(db, filter, page);
  let bytes = 0;
  const shown = rows.filter((row) => {
    const bytesBefore = bytes;
    bytes += sizeOf(row);
    return bytesBefore <= MAX_PAGE_BODY_BYTES;
  });
  const last = shown.at(-1);
  const isCut = shown.length < rows.length && last !== undefined;
  return {
    items: shown.map(toRecording),
    nextCursor: isCut ? encodeCursor(keyOf(last)) : nextCursor,
  };
}

/** Of the whole row: redaction and the answer go through all that the sender of a callback put there. */
function sizeOf(row: RecordingRow): number {
  return Buffer.byteLength(JSON.stringify(row));
}

/** The rows of {@link listRecordings}. */
export async function listRecordingRows(
  db: CatalogueDatabase,
  filter: RecordingFilter,
  page: PageRequest,
): Promise<Page<RecordingRow>> {
  const after = page.cursor === null ? null : decodeCursor(page.cursor, cursorKey);
  const { rows } = await catalogued(() => listQuery(filter, after, page.limit + 1).execute(db));
  const found = rows.filter((row) => row.fits);
  const stop = rows.find((row) => row.stopped);
  if (found.length <= page.limit && stop !== undefined) {
    return { items: found, nextCursor: encodeCursor(keyOf(stop)) };
  }
  return pageOf(found, page.limit, (row) => row, keyOf);
}

const keyOf = (row: RecordingRow): ListKey => [row.started_at, row.id];

/** One recording with its callbacks, oldest first, and its looks, latest first; null when there is none with this id. */
export async function getRecording(
  db: CatalogueDatabase,
  id: string,
): Promise<RecordingWithCallbacks | null> {
  if (!rowId.safeParse(id).success) return null;
  return await catalogued(async () => {
    const row = await db
      .selectFrom("recordings")
      .selectAll()
      .where("id", "=", id)
      .executeTakeFirst();
    if (row === undefined) return null;
    return {
      ...toRecording(row),
      callbacks: await callbacksOfRecording(db, id),
      looks: await looksOfRecording(db, id),
    };
  });
}

/** Where a recording can be played from. Both URLs are as they were written: that of the provider may be signed. */
export interface Playable {
  videoUrl: string;
  storedUrl: string | null;
}

export async function getPlayable(db: CatalogueDatabase, id: string): Promise<Playable | null> {
  if (!rowId.safeParse(id).success) return null;
  const row = await catalogued(() =>
    db
      .selectFrom("recordings")
      .select(["video_url", "stored"])
      .where("id", "=", id)
      .executeTakeFirst(),
  );
  return row === undefined ? null : { videoUrl: row.video_url, storedUrl: row.stored?.url ?? null };
}

function toRecording(row: RecordingRow): Recording {
  return {
    id: row.id,
    identity: row.identity,
    appid: row.appid,
    app: row.app,
    appname: row.appname,
    streamId: row.stream_id,
    channelId: row.channel_id,
    fileId: row.file_id,
    recordFileId: row.record_file_id,
    templateId: row.template_id,
    taskId: row.task_id,
    format: row.format,
    startedAt: row.started_at,
    endedAt: row.ended_at,
    declared: {
      durationS: Number(row.declared_duration_s),
      sizeBytes: Number(row.declared_size_bytes),
      bitrateKbps: row.declared_bitrate_kbps === null ? null : Number(row.declared_bitrate_kbps),
    },
    streamParam: row.stream_param === null ? null : redactStreamParam(row.stream_param),
    callbackExt: redactJson(readCallbackExt(row.callback_ext)),
    mediaStartTime: row.media_start_time === null ? null : Number(row.media_start_time),
    videoUrl: redactUrl(row.video_url),
    callbackCount: row.callback_count,
    conflictCount: row.conflict_count,
    receivedAt: row.received_at,
    state: row.state,
    media: row.media,
    findings: row.findings,
    stored: row.stored,
    failure:
      row.failure_code === null
        ? null
        : {
            code: row.failure_code,
            // A message may quote the URL that it is about.
            message: redactText(row.failure_message ?? ""),
            attempts: row.media_attempts,
            at: row.failed_at ?? row.received_at,
          },
  };
}
