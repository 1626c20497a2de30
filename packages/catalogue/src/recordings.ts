import { sql } from "kysely";
import type {
  ExpressionBuilder,
  ExpressionWrapper,
  SelectQueryBuilder,
  Selectable,
  SqlBool,
} from "kysely";
import { z } from "zod";
import { parseCallbackExt } from "@reelgate/shared/contract/recording-event";
import type { FileFormat } from "@reelgate/shared/contract/media";
import type {
  Page,
  Recording,
  RecordingState,
  RecordingWithCallbacks,
} from "@reelgate/shared/contract/recording";
import { redactStreamParam, redactText } from "@reelgate/shared/redact";
import { callbacksOfRecording } from "./callback-log.ts";
import type { CatalogueDatabase } from "./database.ts";
import { catalogued } from "./failures.ts";
import { decodeCursor, pageOf, rowId } from "./page.ts";
import type { PageRequest } from "./page.ts";
import type { RecordingsTable, Schema } from "./schema.ts";

/** Narrows a list; absent members do not narrow. `from` and `to` bound `startedAt` (ISO 8601, `to` excluded). */
export interface RecordingFilter {
  streamId?: string | undefined;
  app?: string | undefined;
  appname?: string | undefined;
  state?: RecordingState | undefined;
  format?: FileFormat | undefined;
  taskId?: string | undefined;
  from?: string | undefined;
  to?: string | undefined;
  /** Equals one of the recording's identifiers: id, stream id, file id, record file id or task id. */
  q?: string | undefined;
}

type RecordingRow = Selectable<RecordingsTable>;

const cursorKey = z.tuple([z.iso.datetime({ offset: false }), rowId]);

/**
 * One page of recordings, the latest start first.
 *
 * @throws AppError `invalid_query` for a foreign cursor, `catalogue_unavailable`.
 */
export async function listRecordings(
  db: CatalogueDatabase,
  filter: RecordingFilter,
  page: PageRequest,
): Promise<Page<Recording>> {
  const rows = await catalogued(() => listQuery(db, filter, page).execute());
  return pageOf(rows, page.limit, toRecording, (row) => [row.started_at, row.id]);
}

/** The query behind {@link listRecordings}, for EXPLAIN. */
export function listQuery(
  db: CatalogueDatabase,
  filter: RecordingFilter,
  page: PageRequest,
): SelectQueryBuilder<Schema, "recordings", RecordingRow> {
  const after = page.cursor === null ? null : decodeCursor(page.cursor, cursorKey);
  const narrowed = (
    identifier: Identifier | null,
  ): SelectQueryBuilder<Schema, "recordings", RecordingRow> =>
    db
      .selectFrom("recordings")
      .selectAll()
      .where((row) => row.and(conditions(row, filter, after, identifier)))
      .orderBy("started_at", "desc")
      .orderBy("id", "desc")
      .limit(page.limit + 1);
  if (filter.q === undefined) return narrowed(null);
  return searchQuery(db, filter.q, narrowed, page.limit);
}

const IDENTIFIERS = ["stream_id", "file_id", "record_file_id", "task_id", "id"] as const;
interface Identifier {
  column: (typeof IDENTIFIERS)[number];
  value: string;
}

/**
 * A search is one keyset page per identifier, each from its own index, merged: an OR over the columns would make
 * Postgres choose between reading one index to its end and sorting every match.
 */
function searchQuery(
  db: CatalogueDatabase,
  q: string,
  narrowed: (identifier: Identifier) => SelectQueryBuilder<Schema, "recordings", RecordingRow>,
  limit: number,
): SelectQueryBuilder<Schema, "recordings", RecordingRow> {
  const columns = IDENTIFIERS.filter((column) => column !== "id" || rowId.safeParse(q).success);
  return db
    .selectFrom(
      sql<RecordingRow>`(select distinct on (started_at, id) * from (
      ${sql.join(
        columns.map((column) => sql`(${narrowed({ column, value: q })})`),
        sql` union all `,
      )}) as matches order by started_at desc, id desc)`.as("recordings"),
    )
    .selectAll()
    .orderBy("started_at", "desc")
    .orderBy("id", "desc")
    .limit(limit + 1) as never;
}

function conditions(
  row: ExpressionBuilder<Schema, "recordings">,
  filter: RecordingFilter,
  after: readonly [string, string] | null,
  identifier: Identifier | null,
): ExpressionWrapper<Schema, "recordings", SqlBool>[] {
  const found: ExpressionWrapper<Schema, "recordings", SqlBool>[] = [];
  const equals = {
    stream_id: filter.streamId,
    app: filter.app,
    appname: filter.appname,
    state: filter.state,
    format: filter.format,
    task_id: filter.taskId,
  } as const;
  for (const [column, value] of Object.entries(equals)) {
    if (value !== undefined) found.push(row(column as "stream_id", "=", value));
  }
  if (filter.from !== undefined) found.push(row("started_at", ">=", filter.from));
  if (filter.to !== undefined) found.push(row("started_at", "<", filter.to));
  if (identifier !== null) found.push(row(identifier.column, "=", identifier.value));
  if (after !== null) {
    found.push(row(row.refTuple("started_at", "id"), "<", row.tuple(after[0], after[1])));
  }
  return found;
}

/** One recording with every callback that named it, oldest first; null when there is none with this id. */
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
    return { ...toRecording(row), callbacks: await callbacksOfRecording(db, id) };
  });
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
    callbackExt: parseCallbackExt(row.callback_ext),
    mediaStartTime: row.media_start_time === null ? null : Number(row.media_start_time),
    videoUrl: redactText(row.video_url),
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
            message: row.failure_message ?? "",
            attempts: row.media_attempts,
            at: row.failed_at ?? row.received_at,
          },
  };
}
