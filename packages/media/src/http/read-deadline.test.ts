import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { startDeadline } from "./read-deadline.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test("a deadline stands still while it is paused", () => {
  const deadline = startDeadline(1000, "file", undefined);
  vi.advanceTimersByTime(600);
  deadline.pause();
  vi.advanceTimersByTime(60_000);
  deadline.resume();
  vi.advanceTimersByTime(399);
  expect(deadline.signal.aborted).toBe(false);
  vi.advanceTimersByTime(2);
  expect(deadline.signal.reason).toMatchObject({ code: "media_timeout" });
  deadline.end();
});

test("what has ended neither fails nor runs again", () => {
  const outer = new AbortController();
  const deadline = startDeadline(1000, "file", outer.signal);
  deadline.end();
  deadline.resume();
  deadline.fail(new Error("late"));
  outer.abort();
  expect(vi.getTimerCount()).toBe(0);
  expect(deadline.signal.aborted).toBe(false);
});
