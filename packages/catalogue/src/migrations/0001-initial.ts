import { sql } from "kysely";
import type { Kysely } from "kysely";

/** What a list of recordings is narrowed to by equality, apart from state and format. */
const LIST_SCOPES = [[], ["stream_id"], ["app"], ["appname"], ["app", "appname"]] as const;

/**
 * Recordings and callbacks.
 *
 * - `recordings.identity` is unique: Postgres, not the code, is what makes a recording one row (guarantee G3).
 * - `callbacks.digest` (sha256 of the body) is unique: the same body has one outcome (guarantee G2).
 * - Bodies are bytes, not jsonb: jsonb refuses U+0000 and lone surrogates and rounds nothing back to what was sent.
 * - Text that is compared or ordered has collation "C": bytewise, the same on every platform and after upgrades of
 *   the system's locale data, which corrupt indexes of other collations.
 * - Every list is a keyset page over (filter, started_at, id) and every filter has an index that ends in those two: a
 *   page reads as many index entries as it shows rows, at any depth and size of the table. `list-query.ts` is the other
 *   half of this: it writes each list so that one index, or a few merged, serve it whole.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table recordings (
      id bigint generated always as identity primary key,
      identity text collate "C" not null unique,
      appid text collate "C" not null,
      app text collate "C",
      appname text collate "C",
      stream_id text collate "C" not null,
      channel_id text collate "C",
      file_id text collate "C",
      record_file_id text collate "C",
      template_id text collate "C",
      task_id text collate "C",
      format text collate "C" not null check (format in ('flv', 'hls', 'mp4', 'aac')),
      started_at timestamptz not null,
      ended_at timestamptz not null check (ended_at >= started_at),
      declared_duration_s bigint not null check (declared_duration_s >= 0),
      declared_size_bytes bigint not null check (declared_size_bytes >= 0),
      declared_bitrate_kbps bigint,
      stream_param text,
      callback_ext text,
      media_start_time bigint,
      video_url text not null,
      callback_count integer not null default 1,
      conflict_count integer not null default 0,
      received_at timestamptz not null,
      state text collate "C" not null default 'pending'
        check (state in ('pending', 'indexed', 'stored', 'failed')),
      media jsonb,
      findings jsonb not null default '[]',
      stored jsonb,
      failure_code text,
      failure_message text,
      failed_at timestamptz,
      media_generation integer not null default 0,
      media_attempts integer not null default 0
    )`.execute(db);
  await sql`create index recordings_by_time on recordings (started_at, id)`.execute(db);
  // Format and state stand before the time because they have four values each: a list that leaves them open merges four
  // ranges, a list that names them finds its rows even where there is one in a million.
  // What is pending is not in the indexes of states. Every recording passes through that state, so its place in them
  // would be a pile of dead entries, which every list that leaves the state open would have to cross.
  for (const columns of LIST_SCOPES) {
    const name = columns.join("_");
    const scope = columns.map((column) => sql`${sql.ref(column)}, `);
    await sql`create index ${sql.ref(`recordings_by_${name}${name === "" ? "" : "_"}format`)}
      on recordings (${sql.join(scope, sql``)}format, started_at, id)`.execute(db);
    await sql`create index ${sql.ref(`recordings_by_${name}${name === "" ? "" : "_"}state`)}
      on recordings (${sql.join(scope, sql``)}state, format, started_at, id)
      where state <> 'pending'`.execute(db);
  }
  for (const column of ["task_id", "file_id", "record_file_id"]) {
    await sql`create index ${sql.ref(`recordings_by_${column}`)} on recordings (${sql.ref(column)}, started_at, id)
      where ${sql.ref(column)} is not null`.execute(db);
  }
  // The worker's sweep walks what is pending by id, the list by time; a row leaves both as soon as its media is known.
  await sql`create index recordings_pending on recordings (id) where state = 'pending'`.execute(db);
  await sql`create index recordings_pending_by_time on recordings (started_at, id)
    where state = 'pending'`.execute(db);
  await sql`create index recordings_with_findings on recordings (started_at, id) where findings <> '[]'`.execute(
    db,
  );

  await sql`
    create table callbacks (
      seq bigint generated always as identity primary key,
      digest bytea not null unique check (length(digest) = 32),
      outcome text collate "C" not null
        check (outcome in ('recorded', 'duplicate', 'conflict', 'invalid', 'unsupported')),
      event_type text collate "C",
      recording_id bigint references recordings (id),
      received_at timestamptz not null,
      settled_at timestamptz not null default now(),
      remote_address text,
      request_id text,
      key_index integer,
      body bytea not null,
      problems jsonb not null,
      conflicts jsonb not null,
      unknown_fields jsonb not null,
      check ((outcome in ('invalid', 'unsupported')) = (recording_id is null))
    )`.execute(db);
  await sql`create index callbacks_by_outcome on callbacks (outcome, seq)`.execute(db);
  await sql`create index callbacks_by_event_type on callbacks (event_type, outcome, seq)`.execute(
    db,
  );
  await sql`create index callbacks_by_recording on callbacks (recording_id, seq) where recording_id is not null`.execute(
    db,
  );
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`drop table callbacks`.execute(db);
  await sql`drop table recordings`.execute(db);
}
