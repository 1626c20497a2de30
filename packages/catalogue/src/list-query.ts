import { sql } from "kysely";
import type { RawBuilder, Selectable } from "kysely";
import { FILE_FORMATS } from "@reelgate/shared/contract/media";
import type { FileFormat, FindingKind } from "@reelgate/shared/contract/media";
import type { RecordingState } from "@reelgate/shared/contract/recording";
import { newestOf } from "./key-range.ts";
import type { KeyRange } from "./key-range.ts";
import { rowId } from "./page.ts";
import type { RecordingsTable } from "./schema.ts";

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
  /** The recording has a finding of this kind, or one at all. */
  finding?: FindingKind | "any" | undefined;
  /** Equals one of the recording's identifiers: id, stream id, file id, record file id or task id. */
  q?: string | undefined;
}

/** Place of a row in the lists, which are sorted by both descending: `started_at` (ISO 8601) and `id`. */
export type ListKey = readonly [startedAt: string, id: string];

/** A row as the list's query gives it. */
export type ListRow = Selectable<RecordingsTable> & {
  /** False for a row that is there only to say where the search stopped. */
  fits: boolean;
  /** The search stopped here, at {@link MAX_CANDIDATES}, and there may be more. */
  stopped: boolean;
};

/**
 * Most rows that one page looks at where its filter has no index of its own. Each is a random read of 8 KB, and no page
 * is to take 20 ms: with so many the slowest list had a p99 of 14.7 ms at 10 million rows, none of which was in memory at
 * first (npm run bench -- catalogue --rows 10000000).
 */
export const MAX_CANDIDATES = 150;

/**
 * The recordings after `after` that pass the filter, the latest start first, at most `limit` of them.
 *
 * Which index a page is read from is decided here and not by the planner. It knows how frequent each value is, but
 * not how values go together: asked for the AAC files of a stream that has none, it reads the whole stream. So:
 *
 * - A filter becomes ranges, each the whole of what one index holds under one key. State and format, when they are
 *   left open, are written out into a range for each of their values; the newest of each are sorted into one page.
 * - What no index covers (a stream and its app, say) is checked row by row, for {@link MAX_CANDIDATES} rows at most;
 *   then the page ends, however few rows it has, and the next one goes on from there.
 * - Only the keys are read until the page is known, from the indexes alone; its rows are fetched
 *   by id, several at a time (migration 0006).
 */
export function listQuery(
  filter: RecordingFilter,
  after: ListKey | null,
  limit: number,
): RawBuilder<ListRow> {
  const { ranges, unindexed } = accessTo(filter);
  const bounds = boundsOf(filter, after);
  const count = unindexed.length === 0 ? limit : MAX_CANDIDATES;
  const found = ranges.map((range) =>
    newestOf({ table: "recordings", order: ["started_at", "id"], ...range, ...bounds }, count),
  );
  // A recording may be found under several of its identifiers.
  const distinct = filter.q === undefined ? sql`` : sql`distinct on (started_at, id)`;
  const keys = sql`
    select ${distinct} started_at, id from (${sql.join(found, sql` union all `)}) as found
    order by started_at desc, id desc limit ${count}`;
  if (unindexed.length === 0) {
    return sql`
      select recordings.*, true as fits, false as stopped
      from recordings_of_ids(array(select id from (${keys}) as keys)) as recordings
      order by started_at desc, id desc`;
  }
  const fits = sql`(${sql.join(unindexed, sql` and `)}) is true`;
  const stopped = sql`coalesce(id = (select id from candidates
    order by started_at desc, id desc offset ${count - 1}), false)`;
  return sql`
    with candidates as materialized (${keys})
    select recordings.*, ${fits} as fits, ${stopped} as stopped
    from recordings_of_ids(array(select id from candidates)) as recordings
    where ${fits} or ${stopped}
    order by started_at desc, id desc limit ${limit}`;
}

type Key = KeyRange["key"];

interface Access {
  /** Together they hold every row that passes. */
  ranges: Pick<KeyRange, "key" | "predicate">[];
  /** What is left to check of each row. */
  unindexed: RawBuilder<unknown>[];
}

const NOT_PENDING = sql`state <> 'pending'`;
const PENDING = sql`state = 'pending'`;
const WITH_FINDINGS = sql`findings <> '[]'`;

function accessTo(filter: RecordingFilter): Access {
  const { q, state, format } = filter;
  const stream = keyOf("stream_id", filter.streamId);
  const app = [...keyOf("app", filter.app), ...keyOf("appname", filter.appname)];
  const task = keyOf("task_id", filter.taskId);
  const ofState = keyOf("state", state);
  const ofFormat = keyOf("format", format);
  const finding = checkOf(filter.finding);
  if (q !== undefined) {
    const ranges = ["file_id", "record_file_id", "task_id"].map((column) =>
      identified(column, keyOf(column, q)),
    );
    if (rowId.safeParse(q).success) ranges.push({ key: [], predicate: sql`id = ${q}` });
    return {
      ranges: [...ranges, ...byFormat(keyOf("stream_id", q), undefined)],
      unindexed: [...[...stream, ...app, ...task, ...ofState, ...ofFormat].map(equals), ...finding],
    };
  }
  if (task.length > 0) {
    return {
      ranges: [identified("task_id", task)],
      unindexed: [...[...stream, ...app, ...ofState, ...ofFormat].map(equals), ...finding],
    };
  }
  if (stream.length > 0) {
    const unindexed = [...app.map(equals), ...finding];
    // A stream has few recordings beside all that can be pending after an outage.
    return state === "pending"
      ? { ranges: byFormat(stream, format), unindexed: [...unindexed, PENDING] }
      : { ranges: byStateAndFormat(stream, state, format), unindexed };
  }
  if (filter.finding !== undefined) {
    // One recording in a hundred or fewer, which is less than most apps, states or formats have.
    const kind = filter.finding === "any" ? [] : finding;
    return {
      ranges: [{ key: [], predicate: WITH_FINDINGS }],
      unindexed: [...[...app, ...ofState, ...ofFormat].map(equals), ...kind],
    };
  }
  if (state === "pending") {
    return {
      ranges: [{ key: [], predicate: PENDING }],
      unindexed: [...app, ...ofFormat].map(equals),
    };
  }
  if (app.length === 0 && state === undefined && format === undefined) {
    return { ranges: [{ key: [] }], unindexed: [] };
  }
  return { ranges: byStateAndFormat(app, state, format), unindexed: [] };
}

function keyOf(column: string, value: string | undefined): Key {
  return value === undefined ? [] : [[column, value]];
}

function equals([column, value]: Key[number]): RawBuilder<unknown> {
  return sql`recordings.${sql.ref(column)} = ${value}`;
}

function checkOf(finding: RecordingFilter["finding"]): RawBuilder<unknown>[] {
  if (finding === undefined) return [];
  return finding === "any"
    ? [WITH_FINDINGS]
    : [sql`findings @> ${JSON.stringify([{ kind: finding }])}::jsonb`];
}

function identified(column: string, key: Key): Access["ranges"][number] {
  return { key, predicate: sql`${sql.ref(column)} is not null` };
}

function byStateAndFormat(
  scope: Key,
  state: RecordingState | undefined,
  format: FileFormat | undefined,
): Access["ranges"] {
  if (state === undefined) return byFormat(scope, format);
  return byFormat([...scope, ["state", state]], format).map((range) => ({
    ...range,
    predicate: NOT_PENDING,
  }));
}

function byFormat(scope: Key, format: FileFormat | undefined): Access["ranges"] {
  return FILE_FORMATS.filter((one) => format === undefined || one === format).map((one) => ({
    key: [...scope, ["format", one]],
  }));
}

/** No id is below 1: with id 0 a bound lies before all that started at its time. */
const BEFORE_ALL_IDS = "0";

function boundsOf(
  filter: RecordingFilter,
  after: ListKey | null,
): Pick<KeyRange, "from" | "before"> {
  const from = [filter.from ?? "-infinity", BEFORE_ALL_IDS];
  const to: ListKey = [filter.to ?? "infinity", BEFORE_ALL_IDS];
  if (after === null || filter.to === undefined) return { from, before: after ?? to };
  // One bound of the two: of several, Postgres may start the scan at the outer and read all that lies between them.
  const [startedAt, id] = after;
  const isAfterFirst = sql`${startedAt}::timestamptz < ${filter.to}::timestamptz`;
  return {
    from,
    before: [
      sql`case when ${isAfterFirst} then ${startedAt}::timestamptz else ${filter.to}::timestamptz end`,
      sql`case when ${isAfterFirst} then ${id}::bigint else 0 end`,
    ],
  };
}
