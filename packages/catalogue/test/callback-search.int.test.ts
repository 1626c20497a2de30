import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  getStoredCallback,
  searchCallbacks,
  searchStoredCallbacks,
} from "../src/callback-search.ts";
import type { CallbackSearch } from "../src/callback-search.ts";
import { settleCallback } from "../src/settle.ts";
import type { CallbackToSettle } from "../src/settle.ts";
import { sample } from "./settling.ts";
import { openTestCatalogue, walkPages } from "./test-catalogue.ts";
import type { TestCatalogue } from "./test-catalogue.ts";

let db: TestCatalogue;
/** One for each hour of two days. */
const callbacks: CallbackToSettle[] = [];
const at = (hour: number): string =>
  `2026-03-${String(1 + Math.floor(hour / 24)).padStart(2, "0")}T${String(hour % 24).padStart(2, "0")}:30:00.000000Z`;
beforeAll(async () => {
  db = await openTestCatalogue();
  for (let hour = 0; hour < 48; hour++) {
    const callback = sample({ file_id: `s-${hour % 5}`, t: hour });
    callbacks.push(callback);
    await settleCallback(db, callback);
    await sql`update callbacks set settled_at = ${at(hour)}
      where digest = ${Buffer.from(callback.id.slice(3), "hex")}`.execute(db);
  }
});
afterAll(() => db[Symbol.asyncDispose]());

async function found(search: CallbackSearch, limit: number): Promise<string[]> {
  const pages = await walkPages((page) => searchCallbacks(db, search, page), limit);
  for (const items of pages) expect(items.length).toBeLessThanOrEqual(limit);
  return pages.flat().map(({ id }) => id);
}

test("pages that large bodies fill are followed to the last callback", async () => {
  await using largeDb = await openTestCatalogue();
  const ids: string[] = [];
  for (let index = 0; index < 60; index++) {
    const callback = sample({ file_id: `large-${index}`, padding: "x".repeat(40_000) });
    ids.unshift(callback.id);
    await settleCallback(largeDb, callback);
  }
  const pages = await walkPages((page) => searchStoredCallbacks(largeDb, {}, page), 200);
  expect(pages.length).toBeGreaterThan(1);
  expect(pages.flat().map(({ id }) => id)).toEqual(ids);
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
