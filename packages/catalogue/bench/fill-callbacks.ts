import pg from "pg";

/**
 * The callback that made each recording of `fill.ts`, as it would be after years of settling: one for each, `recorded`,
 * with a body of 700 bytes, the size of the specification's sample.
 */
const CALLBACKS = `
  insert into callbacks (digest, outcome, event_type, recording_id, received_at, settled_at, remote_address, request_id,
    key_index, body, problems, conflicts, unknown_fields)
  select sha256(body), 'recorded', '100', id, received_at, received_at + interval '1 second', '127.0.0.1',
    'filled-' || id, 0, body, '[]', '[]', '[]'
  from (
    select id, received_at, convert_to(rpad(format('{"event_type":100,"appid":%s,"stream_id":"%s","file_id":"%s","task_id":"', appid,
      stream_id, file_id), 698, '0123456789abcdef') || '"}', 'UTF8') as body
    from recordings where id between $1 and $2 order by id
  ) as described`;

const CHUNK_ROWS = 100_000;
const MARK = "filled with callbacks of all recordings";

/**
 * Gives every recording its callback, unless they were given before. Indexes are dropped for the load and made again
 * from the definitions that the server gave of them, all but those that constraints need.
 */
export async function fillCallbacks(
  url: string,
  rows: number,
  onProgress: (phase: string, done: number, total: number) => void,
): Promise<void> {
  await withClient(url, async (client) => {
    const { rows: found } = await client.query<{ mark: string | null }>(
      "select obj_description('callbacks'::regclass, 'pg_class') as mark",
    );
    if (found[0]?.mark === MARK) return;
    await client.query("set synchronous_commit = off");
    await client.query("set maintenance_work_mem = '1GB'");
    await client.query("truncate callbacks");
    await client.query("alter table callbacks set (autovacuum_enabled = off)");
    const { rows: indexes } = await client.query<{ name: string; definition: string }>(`
      select indexrelid::regclass::text as name, pg_get_indexdef(indexrelid) as definition from pg_index
      where indrelid = 'callbacks'::regclass and not exists (select from pg_constraint where conindid = indexrelid)`);
    const { rows: constraints } = await client.query<{ name: string; definition: string }>(`
      select conname as name, pg_get_constraintdef(oid) as definition from pg_constraint
      where conrelid = 'callbacks'::regclass and contype in ('u', 'f')`);
    for (const { name } of indexes) await client.query(`drop index ${name}`);
    for (const { name } of constraints) {
      await client.query(`alter table callbacks drop constraint ${pg.escapeIdentifier(name)}`);
    }
    for (let first = 1; first <= rows; first += CHUNK_ROWS) {
      onProgress("callbacks", first - 1, rows);
      await client.query(CALLBACKS, [first, Math.min(first + CHUNK_ROWS - 1, rows)]);
    }
    const made = [
      ...constraints.map(
        ({ name, definition }) =>
          `alter table callbacks add constraint ${pg.escapeIdentifier(name)} ${definition}`,
      ),
      ...indexes.map(({ definition }) => definition),
    ];
    for (const [done, statement] of made.entries()) {
      onProgress("indexes of callbacks", done, made.length);
      await client.query(statement);
    }
    onProgress("vacuum of callbacks", 0, 1);
    await client.query("vacuum (analyze) callbacks");
    await client.query("alter table callbacks reset (autovacuum_enabled)");
    await client.query(`comment on table callbacks is '${MARK}'`);
  });
}

/** What Postgres says of its own work, as counters: two readings are subtracted. */
export interface PostgresCounters {
  walBytes: number;
  /** Null before Postgres 16, which counts them elsewhere. */
  walFsyncs: number | null;
}

export async function readPostgresCounters(url: string): Promise<PostgresCounters> {
  return await withClient(url, async (client) => {
    const { rows } = await client.query<{ bytes: string; version: string }>(
      "select wal_bytes as bytes, current_setting('server_version_num') as version from pg_stat_wal",
    );
    const isCounted = Number(rows[0]?.version) >= 180_000;
    const fsyncs = isCounted
      ? await client.query<{ fsyncs: string }>(
          "select coalesce(sum(fsyncs), 0) as fsyncs from pg_stat_io where object = 'wal'",
        )
      : null;
    return {
      walBytes: Number(rows[0]?.bytes),
      walFsyncs: fsyncs === null ? null : Number(fsyncs.rows[0]?.fsyncs),
    };
  });
}

/** Writes what is dirty to the disk, so that it does not fall into what is measured next. */
export async function checkpoint(url: string): Promise<void> {
  await withClient(url, (client) => client.query("checkpoint"));
}

/** Rows and indexes of both tables, on disk. */
export async function catalogueBytes(url: string): Promise<number> {
  return await withClient(url, async (client) => {
    const { rows } = await client.query<{ bytes: string }>(
      "select pg_total_relation_size('recordings') + pg_total_relation_size('callbacks') as bytes",
    );
    return Number(rows[0]?.bytes);
  });
}

/** Removes what was settled into a filled catalogue, which is then as it was. */
export async function removeSettledAfter(url: string, rows: number): Promise<void> {
  await withClient(url, async (client) => {
    await client.query("delete from callbacks where recording_id > $1", [rows]);
    await client.query("delete from recordings where id > $1", [rows]);
    // The next ones get the numbers of those that are gone: progress is read off the last number.
    for (const [table, key] of [
      ["callbacks", "seq"],
      ["recordings", "id"],
    ]) {
      await client.query(
        `select setval(pg_get_serial_sequence('${table}', '${key}'), coalesce(max(${key}), 0) + 1, false) from ${table}`,
      );
    }
    await client.query("vacuum (analyze) callbacks");
    await client.query("vacuum (analyze) recordings");
  });
}

async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
