import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Page } from "@reelgate/shared/contract/recording";
import { firstPage, withNextPage, withRefreshedPage } from "./live-list.ts";

interface Row {
  id: string;
  state: string;
}
const row = (id: string, state = "pending"): Row => ({ id, state });
const page = (ids: string, nextCursor: string | null, state?: string): Page<Row> => ({
  items: ids.split("").map((id) => row(id, state)),
  nextCursor,
});
const ids = (list: { items: readonly Row[] }): string => list.items.map(({ id }) => id).join("");

describe("a list that changes while it is read", () => {
  const two = withNextPage(firstPage(page("abc", "after c")), page("def", "after f"));

  test("goes on where it ended", () => {
    expect(ids(two)).toBe("abcdef");
    expect(two.pages.map(({ start }) => start)).toEqual([0, 3]);
    expect(two.nextCursor).toBe("after f");
  });

  test("has no row twice", () => {
    expect(ids(withNextPage(two, page("efg", null)))).toBe("abcdefg");
  });

  test("brings rows up to date where they are", () => {
    const fresh = withRefreshedPage(two, "after c", page("def", "after f", "indexed"));
    expect(fresh.items.map(({ state }) => state).join()).toBe(
      "pending,pending,pending,indexed,indexed,indexed",
    );
  });

  test("counts what is new, and moves nothing", () => {
    const fresh = withRefreshedPage(two, null, page("xab", "after b"));
    expect(ids(fresh)).toBe("abcdef");
    expect([...fresh.arrivedIds]).toEqual(["x"]);
    expect(fresh.goneIds.size).toBe(0);
  });

  test("counts a whole page of new ones, and the first of an empty list", () => {
    expect(withRefreshedPage(two, null, page("xyz", "after z")).arrivedIds.size).toBe(3);
    expect(
      withRefreshedPage(firstPage(page("", null)), null, page("x", null)).arrivedIds.size,
    ).toBe(1);
  });

  test("marks what has gone, until it is back", () => {
    const gone = withRefreshedPage(two, null, page("acd", "after d"));
    expect([...gone.goneIds]).toEqual(["b"]);
    expect([...withRefreshedPage(gone, null, page("abc", "after c")).goneIds]).toEqual([]);
  });

  test("knows nothing of rows behind the end of an answer", () => {
    const fresh = withRefreshedPage(two, null, page("", "after c"));
    expect(fresh).toEqual(two);
    expect([...withRefreshedPage(two, "after c", page("", null)).goneIds].join("")).toBe("def");
  });

  test("an answer for a page that it does not have changes nothing", () => {
    expect(withRefreshedPage(two, "elsewhere", page("x", null))).toBe(two);
  });
});

test("a refresh never moves, adds or takes away a row", () => {
  const rows = fc.uniqueArray(fc.constantFrom(..."abcdefghij".split("")), { maxLength: 6 });
  const next = fc.constantFrom("more", null);
  fc.assert(
    fc.property(rows, rows, rows, next, next, (first, second, answer, after, afterAnswer) => {
      const list = withNextPage(
        firstPage(page(first.join(""), "second")),
        page(second.join(""), after),
      );
      for (const cursor of [null, "second"]) {
        const fresh = withRefreshedPage(list, cursor, page(answer.join(""), afterAnswer, "new"));
        expect(ids(fresh)).toBe(ids(list));
        const known = new Set(list.items.map(({ id }) => id));
        for (const id of fresh.goneIds) expect(known).toContain(id);
        for (const id of fresh.arrivedIds) expect(known).not.toContain(id);
      }
    }),
  );
});
