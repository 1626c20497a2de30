import { expect, test } from "vitest";
import { untilReached } from "./until-reached.ts";

const reading = (values: readonly number[], standstillMs: number) => {
  const seen: number[] = [];
  const reached = untilReached({
    target: 3,
    read: () => Promise.resolve(values[Math.min(seen.length, values.length - 1)] ?? 0),
    standstillMs,
    intervalMs: 1,
    onRead: (value) => seen.push(value),
  });
  return reached.then((isReached) => ({ isReached, seen }));
};

test("a number that grows to the target is waited for, and may grow beyond it", async () => {
  expect(await reading([0, 1, 1, 2, 4], 60_000)).toEqual({
    isReached: true,
    seen: [0, 1, 1, 2, 4],
  });
});

test("a number that stands still before the target is given up", async () => {
  const { isReached, seen } = await reading([0, 2], 20);
  expect(isReached).toBe(false);
  expect(seen.at(-1)).toBe(2);
});
