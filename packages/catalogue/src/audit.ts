import { sql } from "kysely";
import { callbackIdOf, digestOf } from "./callback-id.ts";
import type { CatalogueDatabase } from "./database.ts";
import { catalogued } from "./failures.ts";

/**
 * The catalogue's half of an audit of guarantees G2 and G3. Reads alone, in batches along the primary keys, each in one
 * statement: callbacks and the counts that they are part of change in one transaction, so that a statement sees them
 * agree however busy the system is.
 */

/** What can be wrong with a recording. */
export type RecordingFault =
  | "callback_count_wrong"
  | "conflict_count_wrong"
  | "first_callback_missing"
  | "recorded_twice"
  | "recording_doubled";

export interface FaultyRecording {
  fault: RecordingFault;
  recordingId: string;
  /** What was found, in numbers. */
  detail: string;
}

/** A range of rows that was looked at: everything behind the last one, up to and with `last`. */
export interface AuditRange {
  after: string;
  last: string;
  rows: number;
}

/** Largest ids of recordings and callbacks, for a progress bar: rows are rarely missing between. */
export async function auditExtent(
  db: CatalogueDatabase,
): Promise<{ recordings: number; callbacks: number }> {
  return await catalogued(async () => {
    const { rows } = await sql<{ recordings: string | null; callbacks: string | null }>`
      select (select max(id) from recordings) as recordings, (select max(seq) from callbacks) as callbacks`.execute(
      db,
    );
    return {
      recordings: Number(rows[0]?.recordings ?? 0),
      callbacks: Number(rows[0]?.callbacks ?? 0),
    };
  });
}

/** The next range of recordings (by id) or callbacks (by number) behind `after`; null behind the last row. */
export async function nextAuditRange(
  db: CatalogueDatabase,
  table: "recordings" | "callbacks",
  after: string,
  limit: number,
): Promise<AuditRange | null> {
  const key = sql.ref(table === "recordings" ? "id" : "seq");
  return await catalogued(async () => {
    const { rows } = await sql<{ last: string | null; rows: string }>`
      select max(key) as last, count(*) as rows from (
        select ${key} as key from ${sql.table(table)} where ${key} > ${after} order by ${key} limit ${limit}
      ) as batch`.execute(db);
    const last = rows[0]?.last ?? null;
    return last === null ? null : { after, last, rows: Number(rows[0]?.rows) };
  });
}

interface SuspectRow {
  id: string;
  callback_count: number;
  conflict_count: number;
  pruned_callbacks: number;
  callbacks: string;
  conflicts: string;
  recorded: string;
  twin: string | null;
}

/** Everything that is wrong with the recordings of a range: their counts, their first callback, and doubles. */
export async function faultyRecordings(
  db: CatalogueDatabase,
  range: Pick<AuditRange, "after" | "last">,
): Promise<FaultyRecording[]> {
  const { after, last } = range;
  return await catalogued(async () => {
    const { rows } = await sql<SuspectRow>`
      select * from (
        select r.id, r.callback_count, r.conflict_count, r.pruned_callbacks,
          coalesce(c.callbacks, 0) as callbacks, coalesce(c.conflicts, 0) as conflicts,
          coalesce(c.recorded, 0) as recorded,
          case
            when r.file_id is not null then (
              select twin.id from recordings twin where twin.file_id = r.file_id
                and twin.appid = r.appid and twin.id < r.id limit 1)
            when r.record_file_id is not null then (
              select twin.id from recordings twin where twin.record_file_id = r.record_file_id
                and twin.appid = r.appid and twin.format = r.format and twin.file_id is null
                and twin.id < r.id limit 1)
          end as twin
        from recordings r left join (
          select recording_id, count(*) as callbacks, count(*) filter (where outcome = 'conflict') as conflicts,
            count(*) filter (where outcome = 'recorded') as recorded
          from callbacks where recording_id > ${after} and recording_id <= ${last} group by recording_id
        ) as c on c.recording_id = r.id
        where r.id > ${after} and r.id <= ${last}
      ) as recording
      where callback_count <> callbacks + pruned_callbacks
        or conflict_count not between conflicts and conflicts + pruned_callbacks
        or recorded > 1 or (recorded = 0 and pruned_callbacks = 0) or twin is not null
      order by id`.execute(db);
    return rows.flatMap(faultsOf);
  });
}

function faultsOf(row: SuspectRow): FaultyRecording[] {
  const pruned = row.pruned_callbacks;
  const callbacks = Number(row.callbacks);
  const conflicts = Number(row.conflicts);
  const recorded = Number(row.recorded);
  const removed = pruned === 0 ? "" : ` and ${pruned} removed by retention`;
  const found: [fault: RecordingFault, isSo: boolean, detail: string][] = [
    [
      "callback_count_wrong",
      row.callback_count !== callbacks + pruned,
      `it counts ${row.callback_count} callbacks, and ${callbacks} name it${removed}`,
    ],
    [
      "conflict_count_wrong",
      row.conflict_count < conflicts || row.conflict_count > conflicts + pruned,
      `it counts ${row.conflict_count} conflicts, and ${conflicts} callbacks contradict it${removed}`,
    ],
    [
      "first_callback_missing",
      recorded === 0 && pruned === 0,
      "no callback is the one that made it",
    ],
    ["recorded_twice", recorded > 1, `${recorded} callbacks say that they made it`],
    ["recording_doubled", row.twin !== null, `recording ${row.twin ?? ""} is of the same file`],
  ];
  return found
    .filter(([, isSo]) => isSo)
    .map(([fault, , detail]) => ({ fault, recordingId: row.id, detail }));
}

/** Ids of the callbacks of a range whose body is not the one that their id was made of. Reads every body. */
export async function alteredCallbacks(
  db: CatalogueDatabase,
  range: Pick<AuditRange, "after" | "last">,
): Promise<string[]> {
  return await catalogued(async () => {
    const { rows } = await sql<{ digest: Buffer }>`
      select digest from callbacks where seq > ${range.after} and seq <= ${range.last}
        and digest <> sha256(body) order by seq`.execute(db);
    return rows.map(({ digest }) => callbackIdOf(digest));
  });
}

/** Which of these callbacks have an outcome. */
export async function settledAmong(
  db: CatalogueDatabase,
  ids: readonly string[],
): Promise<Set<string>> {
  if (ids.length === 0) return new Set();
  return await catalogued(async () => {
    const { rows } = await sql<{ digest: Buffer }>`
      select digest from callbacks where digest = any(${ids.map(digestOf)}::bytea[])`.execute(db);
    return new Set(rows.map(({ digest }) => callbackIdOf(digest)));
  });
}

/** Which of these recordings are there. */
export async function recordingsAmong(
  db: CatalogueDatabase,
  ids: readonly string[],
): Promise<Set<string>> {
  if (ids.length === 0) return new Set();
  return await catalogued(async () => {
    const { rows } = await sql<{ id: string }>`
      select id from recordings where id = any(${ids}::bigint[])`.execute(db);
    return new Set(rows.map(({ id }) => id));
  });
}
