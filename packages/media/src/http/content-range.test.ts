import fc from "fast-check";
import { expect, test } from "vitest";
import { parseContentRange } from "./content-range.ts";

test.each([
  ["bytes 0-0/1", { kind: "range", start: 0, end: 0, totalSizeBytes: 1 }],
  ["bytes 5-9/*", { kind: "range", start: 5, end: 9, totalSizeBytes: null }],
  [" Bytes  5-9/10 ", { kind: "range", start: 5, end: 9, totalSizeBytes: 10 }],
  ["bytes */0", { kind: "unsatisfied", totalSizeBytes: 0 }],
  ["bytes */*", null],
  ["bytes 0-9/9", null],
  ["bytes 9-0/10", null],
  ["bytes 0-9", null],
  ["bytes 0-/10", null],
  ["bytes=0-9/10", null],
  ["items 0-9/10", null],
  ["bytes 0-9999999999999999/*", null],
  ["bytes 0-99999999999999999999/*", null],
  ["", null],
])("Content-Range %j", (value, expected) => {
  expect(parseContentRange(value)).toEqual(expected);
});

test("every sound range is read back", () => {
  const position = fc.nat({ max: Number.MAX_SAFE_INTEGER - 1 });
  fc.assert(
    fc.property(position, position, (a, b) => {
      const [start, end] = a < b ? [a, b] : [b, a];
      expect(parseContentRange(`bytes ${start}-${end}/${end + 1}`)).toEqual({
        kind: "range",
        start,
        end,
        totalSizeBytes: end + 1,
      });
    }),
  );
});
