import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { AppError } from "@reelgate/shared/errors";
import { type DurationLimit, limitDuration } from "./duration-limit.ts";

const MINUTE_MS = 60_000;
let over: AppError[];

beforeEach(() => {
  vi.useFakeTimers();
  over = [];
});
afterEach(() => {
  vi.useRealTimers();
});

function start(maxDurationMs: number | null = null): DurationLimit {
  return limitDuration(maxDurationMs, "file", (error) => over.push(error));
}

function progress(limit: DurationLimit, bytesDone: number, bytesTotal: number | null): void {
  limit.update({ phase: "fetching", bytesDone, bytesTotal, filesDone: 0, filesTotal: null });
}

/** How long it goes on from now, in whole minutes. */
function minutesLeft(): number {
  for (let minutes = 0; ; minutes += 1) {
    if (over.length > 0) {
      return minutes;
    }
    vi.advanceTimersByTime(MINUTE_MS);
  }
}

test("a file has ten minutes and a second for each 64 KiB", () => {
  const limit = start();
  progress(limit, 0, 65_536 * 60 * 5);
  expect(minutesLeft()).toBe(15);
  expect(over).toEqual([expect.objectContaining({ code: "media_timeout", retryable: true })]);
});

test("what is of unknown size has an hour, and longer when much of it came", () => {
  start();
  expect(minutesLeft()).toBe(60);
  over = [];
  const limit = start();
  progress(limit, 65_536 * 60 * 120, null);
  expect(minutesLeft()).toBe(130);
});

test("a time that the caller sets is what counts", () => {
  const limit = start(2 * MINUTE_MS);
  progress(limit, 0, 1e12);
  expect(minutesLeft()).toBe(2);
});

test("an end ends it", () => {
  const limit = start();
  progress(limit, 0, 1e12);
  limit.end();
  expect(vi.getTimerCount()).toBe(0);
  expect(over).toEqual([]);
});
