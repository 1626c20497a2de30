import { expect, test } from "vitest";
import { sampleIndexes } from "./segment-plan.ts";

test.each([
  [0, []],
  [1, [0]],
  [2, [0, 1]],
  [10, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]],
  [1001, [0, 111, 222, 333, 444, 556, 667, 778, 889, 1000]],
])("of %i files the sample is the first, the last and eight between", (count, indexes) => {
  expect(sampleIndexes(count, 8)).toEqual(indexes);
});
