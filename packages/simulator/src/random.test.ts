import { expect, it } from "vitest";
import { createRandom, itemAt } from "./random.ts";

it("gives the same choices for the same seed, and others for another", () => {
  const draw = (seed: string): number[] => {
    const random = createRandom(seed);
    return Array.from({ length: 20 }, () => random.int(0, 1_000_000));
  };
  expect(draw("a")).toEqual(draw("a"));
  expect(draw("a")).not.toEqual(draw("b"));
  // Pinned: a plan must not change with a Node version.
  expect(draw("a").slice(0, 3)).toMatchInlineSnapshot(`
    [
      864238,
      92165,
      429068,
    ]
  `);
});

it("spreads evenly over its range", () => {
  const random = createRandom("spread");
  const counts = Array.from({ length: 10 }, () => 0);
  for (let draw = 0; draw < 10_000; draw += 1) {
    const bucket = random.int(0, 9);
    counts[bucket] = (counts[bucket] ?? 0) + 1;
  }
  expect(Math.min(...counts)).toBeGreaterThan(850);
  expect(Math.max(...counts)).toBeLessThan(1150);
});

it("shuffles without losing anything and without touching the original", () => {
  const items = Array.from({ length: 50 }, (_, index) => index);
  const shuffled = createRandom("x").shuffle(items);
  expect(shuffled).not.toEqual(items);
  expect(shuffled.toSorted((a, b) => a - b)).toEqual(items);
  expect(items[0]).toBe(0);
});

it("makes hexadecimal digits, and refuses to choose from nothing", () => {
  expect(createRandom("x").hex(32)).toMatch(/^[0-9a-f]{32}$/u);
  expect(itemAt(["a", "b"], 3)).toBe("b");
  expect(() => createRandom("x").pick([])).toThrow(RangeError);
});
