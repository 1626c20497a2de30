import { sql } from "kysely";
import type { RawBuilder } from "kysely";

/** The rows that an index holds under one key, between two places of the order in which it holds them. */
export interface KeyRange {
  table: "recordings" | "callbacks";
  /** The index's first columns with their values. */
  key: readonly (readonly [column: string, value: string])[];
  /** The index's last columns: the order of the list, newest last. */
  order: readonly string[];
  /** Values of `order`, from the first that is in to the first that is not. */
  from: readonly (string | RawBuilder<unknown>)[];
  before: readonly (string | RawBuilder<unknown>)[];
  /** What a partial index says of itself. */
  predicate?: RawBuilder<unknown>;
}

/**
 * The `order` columns of the newest `limit` rows of a range.
 *
 * Written as comparisons of whole index keys and sorted by the whole key, though most of it is the same in every row:
 * one index alone can give that, so that no other is ever chosen. With `stream_id = …` the planner takes any index that
 * it believes to have few rows under a part of the condition. It believes that of a state that became frequent since it
 * last looked at the table, and reads all of it in search of one stream.
 */
export function newestOf(range: KeyRange, limit: number): RawBuilder<unknown> {
  const columns = [...range.key.map(([column]) => column), ...range.order].map((column) =>
    sql.ref(column),
  );
  const values = range.key.map(([, value]) => value);
  const newestFirst = columns.map((column) => sql`${column} desc`);
  return sql`(
    select ${sql.join(range.order.map((column) => sql.ref(column)))} from ${sql.table(range.table)}
    where (${sql.join(columns)}) >= (${sql.join([...values, ...range.from])})
      and (${sql.join(columns)}) < (${sql.join([...values, ...range.before])})
      ${range.predicate === undefined ? sql`` : sql`and ${range.predicate}`}
    order by ${sql.join(newestFirst)} limit ${limit})`;
}
