import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { AppError } from "@reelgate/shared/errors";
import { type SpeedWatch, watchSpeed } from "./speed-watch.ts";

let slow: AppError[];
let watch: SpeedWatch;

beforeEach(() => {
  vi.useFakeTimers();
  slow = [];
  watch = watchSpeed({ bytesPerS: 100, windowMs: 10_000 }, "file", (error) => slow.push(error));
});
afterEach(() => {
  vi.useRealTimers();
});

/** Waits for the origin, which sends so much then. */
function receive(afterMs: number, bytes: number): void {
  watch.resume();
  vi.advanceTimersByTime(afterMs);
  watch.pause(bytes);
}

test("an origin that sends nothing is slow after the window", () => {
  watch.resume();
  vi.advanceTimersByTime(9999);
  expect(slow).toEqual([]);
  vi.advanceTimersByTime(2);
  expect(slow).toEqual([expect.objectContaining({ code: "media_timeout" })]);
  watch.pause(0);
  expect(vi.getTimerCount()).toBe(0);
});

test("one that trickles is slow too, one that is just fast enough is not", () => {
  for (let pieces = 0; pieces < 30; pieces += 1) {
    receive(1000, 120);
  }
  expect(slow).toEqual([]);
  for (let pieces = 0; pieces < 20; pieces += 1) {
    receive(1000, 90);
  }
  expect(slow.length).toBeGreaterThan(0);
});

test("time in which nobody waits for the origin does not count", () => {
  for (let pieces = 0; pieces < 100; pieces += 1) {
    receive(100, 20);
    vi.advanceTimersByTime(60_000);
  }
  expect(slow).toEqual([]);
});
