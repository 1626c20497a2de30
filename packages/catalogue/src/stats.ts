import { sql } from "kysely";
import { OUTCOMES, RECORDING_STATES } from "@reelgate/shared/contract/recording";
import type { Outcome, RecordingState, Stats } from "@reelgate/shared/contract/recording";
import { countByOutcome } from "./callback-log.ts";
import { countEach } from "./counts.ts";
import type { CatalogueDatabase } from "./database.ts";
import { catalogued } from "./failures.ts";

/** What is in the catalogue, counted. Reads whole indexes: meant for a person or a poll of seconds, not for each request. */
export async function countCatalogue(
  db: CatalogueDatabase,
): Promise<Pick<Stats, "callbacks" | "recordings">> {
  const outcomes = await countByOutcome(db);
  const { states, withFindings } = await catalogued(async () => ({
    states: await countEach(db, "recordings", "state", RECORDING_STATES),
    withFindings: await db
      .selectFrom("recordings")
      .select(sql<string>`count(*)`.as("count"))
      .where(sql<boolean>`findings <> '[]'`)
      .executeTakeFirstOrThrow(),
  }));
  const byOutcome = countsOf<Outcome>(OUTCOMES, outcomes);
  const byState = countsOf<RecordingState>(RECORDING_STATES, states);
  return {
    callbacks: { total: sum(byOutcome), byOutcome },
    recordings: { total: sum(byState), byState, withFindings: Number(withFindings.count) },
  };
}

function countsOf<K extends string>(
  keys: readonly K[],
  counted: ReadonlyMap<K, number>,
): Record<K, number> {
  return Object.fromEntries(keys.map((key) => [key, counted.get(key) ?? 0])) as Record<K, number>;
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}
