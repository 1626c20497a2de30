import { describe, expect, test } from "vitest";
import { retryAll } from "./bulk-retry.ts";
import type { BulkRetryState } from "./bulk-retry.ts";

const PAGES = [
  { retried: 3, skipped: 1, nextCursor: "1" },
  { retried: 0, skipped: 0, nextCursor: "2" },
  { retried: 2, skipped: 0, nextCursor: null },
];
const pageAt = (cursor: string | null) => PAGES[Number(cursor ?? 0)] ?? PAGES[2];

describe("a retry of many", () => {
  test("goes on until nothing follows, and tells after each page", async () => {
    const told: BulkRetryState[] = [];
    await retryAll(
      async (cursor) => pageAt(cursor)!,
      new AbortController().signal,
      (state) => told.push(state),
    );
    expect(told.map((state) => state.kind)).toEqual([
      "running",
      "running",
      "running",
      "running",
      "done",
    ]);
    expect(told.at(-1)).toEqual({ kind: "done", retried: 5, skipped: 1 });
  });

  test("stops after the page in hand when it is cancelled, and counts that page", async () => {
    const controller = new AbortController();
    const told: BulkRetryState[] = [];
    await retryAll(
      async (cursor) => {
        controller.abort();
        return pageAt(cursor)!;
      },
      controller.signal,
      (state) => told.push(state),
    );
    expect(told.at(-1)).toEqual({ kind: "cancelled", retried: 3, skipped: 1 });
  });

  test("says what was done before a page failed", async () => {
    const told: BulkRetryState[] = [];
    const error = new Error("away");
    await retryAll(
      async (cursor) => {
        if (cursor !== null) throw error;
        return pageAt(cursor)!;
      },
      new AbortController().signal,
      (state) => told.push(state),
    );
    expect(told.at(-1)).toEqual({ kind: "failed", retried: 3, skipped: 1, error });
  });
});
