import pg from "pg";
import { migrateToLatest } from "../src/migrate.ts";

/**
 * Recordings for measurements: made by the server itself from their number alone, so that every run has the same.
 *
 * They are as uneven as real ones, and more: one stream has 5 % of all, a third of the streams two recordings or
 * fewer; one app has 90 %, one path 85 %; HLS 70 %, AAC one in 10,000 and none in the busy stream; 1.2 % failed,
 * 0.05 % pending, none stored; 10 % have a task. A third start on a full second, which others share.
 */
const RECORDINGS = `
  insert into recordings (identity, appid, app, appname, stream_id, channel_id, file_id, record_file_id, template_id,
    task_id, format, started_at, ended_at, declared_duration_s, declared_size_bytes, declared_bitrate_kbps,
    stream_param, callback_ext, media_start_time, video_url, received_at, state, media, findings, failure_code,
    failure_message, failed_at, media_attempts)
  select 'file:1250000000:' || file_id, '1250000000', app, appname, stream_id, stream_id, file_id, file_id, '54321',
    case when i % 10 = 3 then 'task-' || i / 40 end, format, started_at, started_at + interval '30 minutes', 1800,
    277941079 + i, 0, 'txSecret=0123456789abcdef0123456789abcdef&txTime=65A00000',
    '{"video_codec":"h264","resolution":"1280x720"}', 135802,
    'http://1250000000.vod2.myqcloud.com/0123456789abcdef/' || file_id || '/playlist.m3u8',
    started_at + interval '31 minutes', state,
    case when state = 'indexed' then '{"container":"hls","durationS":1799.96,"durationIsExact":true,"sizeBytes":277941079,"bitrateKbps":1235,"video":{"codec":"h264","width":1280,"height":720,"fps":25},"audio":{"codec":"aac","sampleRateHz":48000,"channels":2},"hls":{"segmentCount":300,"targetDurationS":6,"encrypted":false,"variants":0}}'::jsonb end,
    case when i % 200 = 7 and state = 'indexed' then '[{"kind":"size_mismatch","declared":277941079,"actual":277000000,"detail":"The file has fewer bytes than declared."}]'::jsonb else '[]'::jsonb end,
    case when state = 'failed' then 'media_not_found' end,
    case when state = 'failed' then 'The origin says that the file is not there.' end,
    case when state = 'failed' then started_at + interval '2 hours' end,
    case when state = 'failed' then 8 else 0 end
  from (
    select i, stream_id, '9007' || lpad(i::text, 15, '0') as file_id,
      case when share(i, 2) < 0.90 then 'push.example.com' when share(i, 2) < 0.99 then 'push2.example.com' else 'test.example.com' end as app,
      case when share(i, 3) < 0.85 then 'live' when share(i, 3) < 0.9999 then 'event' else 'drill' end as appname,
      case when share(i, 4) < 0.0001 and stream_id <> 'channel-0' then 'aac' when share(i, 4) < 0.70 then 'hls' when share(i, 4) < 0.95 then 'mp4' else 'flv' end as format,
      case when share(i, 5) < 0.012 then 'failed' when share(i, 5) < 0.0125 then 'pending' else 'indexed' end as state,
      case when i % 3 = 0 then date_trunc('second', at) else at end as started_at
    from (
      select i, timestamptz '2024-01-01 00:00:00Z' + i * interval '6.123457 seconds' as at,
        'channel-' || case when share(i, 1) < 0.05 then 0 else floor(power(share(i, 6), 4) * $3)::bigint end as stream_id
      from generate_series($1::bigint, $2::bigint) as i
    ) as one
  ) as described`;

/** A number from 0 to 1, evenly spread, that depends on \`i\` and \`salt\` alone. */
const SHARE = `
  create or replace function pg_temp.share(i bigint, salt integer) returns double precision
  language sql immutable parallel safe
  as $$ select (hashint8extended(i, salt) & 4294967295) / 4294967296.0::double precision $$`;

const CHUNK_ROWS = 100_000;

/** How many streams so many recordings are of. */
export const streamsOf = (rows: number): number => Math.max(20, Math.round(rows / 50));
/** The file id of the i-th recording. */
export const fileIdOf = (i: number): string => `9007${String(i).padStart(15, "0")}`;
/** The task that recordings near the i-th have, if they have one. */
export const taskOf = (i: number): string => `task-${Math.floor(i / 40)}`;
/** When the i-th recording started, to the second. */
export const startOf = (i: number): string =>
  `${new Date(Date.UTC(2024, 0, 1) + Math.floor(i * 6123.457)).toISOString().slice(0, 19)}.000000Z`;

export interface FillOptions {
  /** An empty database. */
  url: string;
  rows: number;
  onProgress: (phase: string, done: number, total: number) => void;
}

/**
 * Migrates the database and fills it. The secondary indexes are dropped for the load and made again from the
 * definitions that the server gave of them, which takes a tenth of the time; the schema is then the migrated one.
 */
export async function fillRecordings(options: FillOptions): Promise<void> {
  await migrateToLatest(options.url);
  const client = new pg.Client({ connectionString: options.url });
  await client.connect();
  try {
    await client.query(SHARE);
    await client.query("set search_path = public, pg_temp");
    await client.query("set synchronous_commit = off");
    await client.query("set maintenance_work_mem = '1GB'");
    // Its own vacuum, in the middle of this, would keep the one at the end from seeing that every row is visible to all,
    // and pages would be read from the table instead of the index alone.
    await client.query("alter table recordings set (autovacuum_enabled = off)");
    const { rows: indexes } = await client.query<{ name: string; definition: string }>(`
      select indexrelid::regclass::text as name, pg_get_indexdef(indexrelid) as definition from pg_index
      where indrelid = 'recordings'::regclass
        and not exists (select from pg_constraint where conindid = indexrelid)`);
    for (const index of indexes) await client.query(`drop index ${index.name}`);
    const streams = streamsOf(options.rows);
    for (let first = 1; first <= options.rows; first += CHUNK_ROWS) {
      options.onProgress("rows", first - 1, options.rows);
      const last = Math.min(first + CHUNK_ROWS - 1, options.rows);
      await client.query(RECORDINGS.replaceAll("share(", "pg_temp.share("), [first, last, streams]);
    }
    for (const [done, index] of indexes.entries()) {
      options.onProgress("indexes", done, indexes.length);
      await client.query(index.definition);
    }
    options.onProgress("vacuum", 0, 1);
    await client.query("vacuum (analyze) recordings");
    await client.query("alter table recordings reset (autovacuum_enabled)");
    await client.query(`comment on table recordings is '${markOf(options.rows)}'`);
    options.onProgress("vacuum", 1, 1);
  } finally {
    await client.end();
  }
}

const markOf = (rows: number): string => `filled with ${rows} rows`;

/** Whether the database was filled, to the end, with so many rows. */
export async function isFilled(url: string, rows: number): Promise<boolean> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows: found } = await client.query<{ mark: string | null }>(
      "select obj_description(to_regclass('recordings'), 'pg_class') as mark",
    );
    return found[0]?.mark === markOf(rows);
  } finally {
    await client.end();
  }
}

/** Bytes on disk: the rows, and each index by its name. */
export async function sizesOf(
  url: string,
): Promise<{ tableBytes: number; indexes: { name: string; bytes: number }[]; version: string }> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows: indexes } = await client.query<{ name: string; bytes: string }>(`
      select indexrelid::regclass::text as name, pg_relation_size(indexrelid) as bytes
      from pg_index where indrelid = 'recordings'::regclass order by 1`);
    const { rows } = await client.query<{ bytes: string; version: string }>(
      "select pg_table_size('recordings') as bytes, current_setting('server_version') as version",
    );
    return {
      tableBytes: Number(rows[0]?.bytes),
      indexes: indexes.map(({ name, bytes }) => ({ name, bytes: Number(bytes) })),
      version: rows[0]?.version ?? "",
    };
  } finally {
    await client.end();
  }
}
