import { createLatch } from "@reelgate/testkit/latch";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { scrapeReading } from "./scrape-reading.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test("what is behind it is asked once per age, however many scrape", async () => {
  let reads = 0;
  const reading = scrapeReading(() => Promise.resolve(++reads), {
    maxAgeMs: 5000,
    deadlineMs: 100,
  });
  expect(await Promise.all([reading(), reading(), reading()])).toEqual([1, 1, 1]);
  await vi.advanceTimersByTimeAsync(4999);
  expect(await reading()).toBe(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(await reading()).toBe(2);
});

test("a failure is no reading, and is not asked again before its age", async () => {
  let reads = 0;
  const read = (): Promise<number> => {
    reads++;
    return Promise.reject(new Error("away"));
  };
  const reading = scrapeReading(read, { maxAgeMs: 5000, deadlineMs: 100 });
  expect([await reading(), await reading(), reads]).toEqual([null, null, 1]);
});

test("one that hangs costs each scrape its deadline, and no second one is begun", async () => {
  const late = createLatch<number>();
  let reads = 0;
  const read = (): Promise<number> => {
    reads++;
    return late.wait(60_000);
  };
  const reading = scrapeReading(read, { maxAgeMs: 10, deadlineMs: 100 });
  const scrapes = [reading(), reading()];
  await vi.advanceTimersByTimeAsync(100);
  expect(await Promise.all(scrapes)).toEqual([null, null]);
  late.open(7);
  await vi.advanceTimersByTimeAsync(0);
  expect([await reading(), reads]).toEqual([7, 1]);
});
