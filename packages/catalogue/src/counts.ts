import { sql } from "kysely";
import type { CatalogueDatabase } from "./database.ts";

/**
 * How many rows have each value of a column, of the values that occur. One count for each: as literals they can be read from partial indexes,
 * and no plan reads the rows, which are ten times as large.
 */
export async function countEach<V extends string>(
  db: CatalogueDatabase,
  table: "recordings" | "callbacks",
  column: string,
  values: readonly V[],
): Promise<Map<V, number>> {
  const counts = values.map(
    (value) => sql`
      select ${sql.lit(value)} as value, count(*) as count from ${sql.table(table)}
      where ${sql.ref(column)} = ${sql.lit(value)}`,
  );
  const { rows } = await sql<{ value: V; count: string }>`
    ${sql.join(counts, sql` union all `)}`.execute(db);
  return new Map(
    rows.filter(({ count }) => count !== "0").map(({ value, count }) => [value, Number(count)]),
  );
}
