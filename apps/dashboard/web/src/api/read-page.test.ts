import { expect, test } from "vitest";
import { readPage } from "./read-page.ts";

const pages = (sizes: readonly number[]) => (cursor: string | null) => {
  const index = cursor === null ? 0 : Number(cursor);
  return Promise.resolve({
    items: Array.from({ length: sizes[index] ?? 0 }, (_, row) => `${index}.${row}`),
    nextCursor: index + 1 < sizes.length ? String(index + 1) : null,
  });
};

test("reads on over short and empty pages until there are enough rows", async () => {
  const page = await readPage(pages([1, 0, 2, 5, 9]), null, 4);
  expect(page).toEqual({
    items: ["0.0", "2.0", "2.1", "3.0", "3.1", "3.2", "3.3", "3.4"],
    nextCursor: "4",
  });
});

test("ends where nothing follows, with fewer rows", async () => {
  expect(await readPage(pages([1, 0]), null, 4)).toEqual({ items: ["0.0"], nextCursor: null });
});

test("gives what it has after many empty pages, and where to go on", async () => {
  const page = await readPage(pages(Array.from({ length: 100 }, () => 0)), null, 1);
  expect(page).toEqual({ items: [], nextCursor: "20" });
});
