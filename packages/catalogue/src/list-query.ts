import { sql } from "kysely";
import type { RawBuilder, Selectable } from "kysely";
import { FILE_FORMATS } from "@reelgate/shared/contract/media";
import type { FileFormat } from "@reelgate/shared/contract/media";
import type { RecordingState } from "@reelgate/shared/contract/recording";
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
 * Most rows that one page looks at where its filter has no index of its own. Measured at 10 million rows: 4 ms when
 * they are in memory.
 */
export const MAX_CANDIDATES = 5000;

/**
 * The recordings after `after` that pass the filter, the latest start first, at most `limit` of them.
 *
 * Which index a page is read from is decided here and not by the planner. It knows how frequent each value is, but
 * not how values go together: asked for the AAC files of a stream that has none, it reads the whole stream. So:
 *
 * - A filter becomes ranges, each the whole of what one index holds under one key. State and format, when they are
 *   left open, are written out into a range for each of their values; Postgres merges the ranges.
 * - What no index covers (a stream and its app, say) is checked row by row, for {@link MAX_CANDIDATES} rows at most;
 *   then the page ends, however few rows it has, and the next one goes on from there.
 * - Only the keys are read until the page is known, from the indexes alone; its rows are fetched by id.
 */
export function listQuery(
  filter: RecordingFilter,
  after: ListKey | null,
  limit: number,
): RawBuilder<ListRow> {
  const { ranges, unindexed } = accessTo(filter);
  const bounds = timeBounds(filter, after);
  const columns = unindexed.length === 0 ? KEY : FILTERED;
  const selects = ranges.map((range) => {
    const conditions = [...range, ...bounds];
    const where = conditions.length === 0 ? sql`` : sql`where ${sql.join(conditions, sql` and `)}`;
    return sql`select ${columns} from recordings ${where}`;
  });
  // A recording may be found under several of its identifiers.
  const distinct = filter.q === undefined ? sql`` : sql`distinct on (started_at, id)`;
  const found = (count: number): RawBuilder<unknown> => sql`
    select ${distinct} ${columns} from (${sql.join(selects, sql` union all `)}) as ranges
    ${NEWEST_FIRST} limit ${count}`;
  const page =
    unindexed.length === 0
      ? sql`select started_at, id, true as fits, false as stopped from (${found(limit)}) as found`
      : sql`
        select started_at, id, fits, place = ${MAX_CANDIDATES} as stopped from (
          select started_at, id, (${sql.join(unindexed, sql` and `)}) is true as fits,
            row_number() over (${NEWEST_FIRST}) as place
          from (${found(MAX_CANDIDATES)}) as candidates
        ) as checked where fits or place = ${MAX_CANDIDATES} ${NEWEST_FIRST} limit ${limit}`;
  return sql<ListRow>`
    select recordings.*, page.fits, page.stopped from (${page}) as page join recordings on recordings.id = page.id
    order by page.started_at desc, page.id desc`;
}

const NEWEST_FIRST = sql`order by started_at desc, id desc`;
const KEY = sql`started_at, id`;
const FILTERED = sql`started_at, id, stream_id, app, appname, task_id, state, format`;

type Condition = RawBuilder<unknown>;

interface Access {
  /** Each is what some index holds under one key; together they hold every row that passes. */
  ranges: Condition[][];
  /** What is left to check of each row. */
  unindexed: Condition[];
}

function accessTo(filter: RecordingFilter): Access {
  const { streamId, app, appname, taskId, q, state, format } = filter;
  const equals = {
    stream: equal("stream_id", streamId),
    app: equal("app", app),
    appname: equal("appname", appname),
    task: equal("task_id", taskId),
    state: state === undefined ? [] : [sql`state = ${sql.lit(state)}`],
    format: format === undefined ? [] : [sql`format = ${sql.lit(format)}`],
  };
  if (q !== undefined) {
    const ranges = ["file_id", "record_file_id", "task_id"].map((column) => equal(column, q));
    if (rowId.safeParse(q).success) ranges.push(equal("id", q));
    return {
      ranges: [...ranges, ...byFormat(equal("stream_id", q), format)],
      unindexed: Object.values(equals).flat(),
    };
  }
  if (taskId !== undefined) {
    const { task, ...rest } = equals;
    return { ranges: [task], unindexed: Object.values(rest).flat() };
  }
  if (streamId !== undefined) {
    const unindexed = [...equals.app, ...equals.appname];
    // A stream has few recordings beside what can be pending after an outage.
    return state === "pending"
      ? { ranges: byFormat(equals.stream, format), unindexed: [...unindexed, ...equals.state] }
      : { ranges: byStateAndFormat(equals.stream, state, format), unindexed };
  }
  const scope = [...equals.app, ...equals.appname];
  if (state === "pending") {
    return { ranges: [equals.state], unindexed: [...scope, ...equals.format] };
  }
  if (scope.length === 0 && state === undefined && format === undefined) {
    return { ranges: [[]], unindexed: [] };
  }
  return { ranges: byStateAndFormat(scope, state, format), unindexed: [] };
}

/** The columns are those of this file. */
function equal(column: string, value: string | undefined): Condition[] {
  return value === undefined ? [] : [sql`${sql.ref(column)} = ${value}`];
}

function byStateAndFormat(
  scope: Condition[],
  state: Exclude<RecordingState, "pending"> | undefined,
  format: FileFormat | undefined,
): Condition[][] {
  // As a literal: only of a constant can Postgres prove that it is in the indexes without `pending`.
  const inState = state === undefined ? [] : [sql`state = ${sql.lit(state)}`];
  return byFormat([...scope, ...inState], format);
}

function byFormat(scope: Condition[], format: FileFormat | undefined): Condition[][] {
  return FILE_FORMATS.filter((one) => format === undefined || one === format).map((one) => [
    ...scope,
    sql`format = ${sql.lit(one)}`,
  ]);
}

/**
 * `from`, `to` and the cursor as bounds of an index scan.
 *
 * `to` and the cursor are made one bound: of two upper bounds Postgres starts the scan at one, which may be the outer
 * one, and reads all that lies between them. No id is below 1, so (`to`, 0) excludes all that started at `to`.
 */
function timeBounds(filter: RecordingFilter, after: ListKey | null): Condition[] {
  const bounds: Condition[] = [];
  if (filter.from !== undefined) bounds.push(sql`started_at >= ${filter.from}`);
  if (after !== null && filter.to !== undefined) {
    const [startedAt, id] = after;
    bounds.push(sql`(started_at, id) < (least(${startedAt}::timestamptz, ${filter.to}::timestamptz),
      case when ${startedAt}::timestamptz < ${filter.to}::timestamptz then ${id}::bigint else 0 end)`);
  } else if (after !== null) bounds.push(sql`(started_at, id) < (${after[0]}, ${after[1]})`);
  else if (filter.to !== undefined) bounds.push(sql`started_at < ${filter.to}`);
  return bounds;
}
