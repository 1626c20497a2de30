import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createTestDatabase } from "@reelgate/testkit/postgres";
import type { TestDatabase } from "@reelgate/testkit/postgres";
import {
  getStoredCallback,
  searchCallbacks,
  searchStoredCallbacks,
} from "../src/callback-search.ts";
import type { CallbackSearch } from "../src/callback-search.ts";
import type { CatalogueDatabase } from "../src/database.ts";
import { settleCallback } from "../src/settle.ts";
import type { CallbackToSettle } from "../src/settle.ts";
import { open, sample } from "./settling.ts";

let database: TestDatabase;
let db: CatalogueDatabase & AsyncDisposable;
/** One for each hour of two days. */
const callbacks: CallbackToSettle[] = [];
const at = (hour: number): string =>
  `2026-03-${String(1 + Math.floor(hour / 24)).padStart(2, "0")}T${String(hour % 24).padStart(2, "0")}:30:00.000000Z`;
beforeAll(async () => {
  database = await createTestDatabase();
  db = open(database.url);
  for (let hour = 0; hour < 48; hour++) {
    const callback = sample({ file_id: `s-${hour % 5}`, t: hour });
    callbacks.push(callback);
    await settleCallback(db, callback);
    await sql`update callbacks set settled_at = ${at(hour)}
      where digest = ${Buffer.from(callback.id.slice(3), "hex")}`.execute(db);
  }
});
afterAll(async () => {
  await db[Symbol.asyncDispose]();
  await database.drop();
});

async function found(search: CallbackSearch, limit: number): Promise<string[]> {
  const ids: string[] = [];
  let cursor: string | null = null;
  do {
    const page: Awaited<ReturnType<typeof searchCallbacks>> = await searchCallbacks(db, search, {
      limit,
      cursor,
    });
    expect(page.items.length).toBeLessThanOrEqual(limit);
    ids.push(...page.items.map(({ id }) => id));
    cursor = page.nextCursor;
  } while (cursor !== null);
  return ids;
}

test("pages that large bodies fill are followed to the last callback", async () => {
  await using large = await createTestDatabase();
  await using largeDb = open(large.url);
  const ids: string[] = [];
  for (let index = 0; index < 60; index++) {
    const callback = sample({ file_id: `large-${index}`, padding: "x".repeat(40_000) });
    ids.unshift(callback.id);
    await settleCallback(largeDb, callback);
  }
  const replayed: string[] = [];
  let pages = 0;
  let cursor: string | null = null;
  do {
    const page: Awaited<ReturnType<typeof searchStoredCallbacks>> = await searchStoredCallbacks(
      largeDb,
      {},
      { limit: 200, cursor },
    );
    pages += 1;
    replayed.push(...page.items.map(({ id }) => id));
    cursor = page.nextCursor;
  } while (cursor !== null);
  expect(pages).toBeGreaterThan(1);
  expect(replayed).toEqual(ids);
});

describe("a search for callbacks", () => {
  test.each([
    [0, 48],
    [10, 20],
    [23, 24],
    [40, 48],
    [0, 1],
    [5, 5],
  ])("finds those of hours %i to %i, the latest first, in pages of any size", async (from, to) => {
    const expected = callbacks
      .slice(from, to)
      .map(({ id }) => id)
      .toReversed();
    for (const limit of [1, 3, 200]) {
      expect(await found({ since: at(from), until: at(to) }, limit)).toEqual(expected);
    }
  });

  test("is open where no time is given", async () => {
    const ids = callbacks.map(({ id }) => id).toReversed();
    expect(await found({ until: at(30) }, 7)).toEqual(ids.slice(18));
    expect(await found({ since: at(30) }, 7)).toEqual(ids.slice(0, 18));
    expect(await found({}, 7)).toEqual(ids);
  });

  test("narrows by outcome and type beside the time", async () => {
    const search = { since: at(2), outcome: "duplicate", eventType: "100" } as const;
    expect(await found(search, 10)).toHaveLength(43);
    expect(await found({ ...search, eventType: "1" }, 10)).toEqual([]);
  });

  test("gives bodies as they came where they are asked for, and redacted ones else", async () => {
    const [first] = callbacks;
    const stored = await getStoredCallback(db, first?.id ?? "");
    expect(stored?.body.toString()).toBe(first?.body);
    const page = { limit: 200, cursor: null };
    const [raw] = (await searchStoredCallbacks(db, { until: at(1) }, page)).items;
    expect(raw).toEqual(stored);
    const [shown] = (await searchCallbacks(db, { until: at(1) }, page)).items;
    expect(shown?.body).toContain('"stream_param":"stream_param=[redacted]"');
    expect(await getStoredCallback(db, "cb-nonsense")).toBeNull();
  });
});
