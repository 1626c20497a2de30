import fc from "fast-check";
import { expect, test } from "vitest";
import { countTicks, lagPosition, stack } from "./scale.ts";

test("an axis of counts begins at 0, reaches the largest, and has few whole steps", () => {
  expect(countTicks(0)).toEqual([0, 1]);
  expect(countTicks(1)).toEqual([0, 1]);
  expect(countTicks(14)).toEqual([0, 5, 10, 15]);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1e12 }), (max) => {
      const ticks = countTicks(max);
      expect(ticks[0]).toBe(0);
      expect(ticks.at(-1)).toBeGreaterThanOrEqual(max);
      expect(ticks.length).toBeLessThanOrEqual(6);
      expect(ticks.every(Number.isInteger)).toBe(true);
    }),
  );
});

test("lags keep their order on an axis from 0 to 1", () => {
  expect(lagPosition(0)).toBe(0);
  expect(lagPosition(1e9)).toBe(1);
  fc.assert(
    fc.property(
      fc.double({ min: 0, max: 1e6, noNaN: true }),
      fc.double({ min: 0, max: 1e6, noNaN: true }),
      (a, b) => {
        expect(lagPosition(Math.min(a, b))).toBeLessThanOrEqual(lagPosition(Math.max(a, b)));
        expect(lagPosition(a)).toBeGreaterThanOrEqual(0);
      },
    ),
  );
});

test("parts lie on top of each other without holes", () => {
  expect(
    stack([
      { name: "a", value: 2 },
      { name: "b", value: 0 },
      { name: "c", value: 3 },
    ]),
  ).toEqual([
    { name: "a", value: 2, from: 0, to: 2 },
    { name: "c", value: 3, from: 2, to: 5 },
  ]);
});
