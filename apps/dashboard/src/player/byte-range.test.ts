import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isSameVersion, rangeOf } from "./byte-range.ts";

describe("a Range header", () => {
  test.each([
    ["bytes=0-0", 0, 0],
    ["bytes=0-", 0, 99],
    ["bytes=10-19", 10, 19],
    ["bytes=99-", 99, 99],
    ["bytes=90-1000", 90, 99],
    ["bytes=90-99999999999999999999999", 90, 99],
    ["bytes=-1", 99, 99],
    ["bytes=-100", 0, 99],
    ["bytes=-1000", 0, 99],
    ["Bytes= 5-6 ", 5, 6],
  ])("%s of 100 bytes is %i to %i", (header, first, last) => {
    expect(rangeOf(header, 100)).toEqual({ kind: "part", first, last });
  });

  test.each(["bytes=100-", "bytes=100-200", "bytes=-0", "bytes=99999999999999999999999-"])(
    "%s of 100 bytes is nothing",
    (header) => {
      expect(rangeOf(header, 100)).toEqual({ kind: "unsatisfiable" });
    },
  );

  test.each([
    undefined,
    "",
    "bytes",
    "bytes=",
    "bytes=-",
    "bytes=5-4",
    "bytes=0-1,5-6",
    "bytes=0-1,",
    "bytes=a-b",
    "bytes=1.5-2",
    "bytes=0x1-2",
    "bytes=--1",
    "items=0-1",
    "bytes 0-1",
  ])("%s is the whole file", (header) => {
    expect(rangeOf(header, 100)).toEqual({ kind: "whole" });
  });

  test("of an empty file is never satisfiable", () => {
    for (const header of ["bytes=0-", "bytes=0-0", "bytes=-5"]) {
      expect(rangeOf(header, 0)).toEqual({ kind: "unsatisfiable" });
    }
  });

  test("fast-check: never leaves the file", () => {
    const headers = fc.oneof(
      fc.string(),
      fc.stringMatching(/^bytes=[-0-9, ]{0,20}$/u),
      fc.tuple(fc.nat(), fc.nat()).map(([first, last]) => `bytes=${first}-${last}`),
    );
    fc.assert(
      fc.property(headers, fc.nat({ max: 1000 }), (header, sizeBytes) => {
        const range = rangeOf(header, sizeBytes);
        if (range.kind !== "part") return;
        expect(range.first).toBeGreaterThanOrEqual(0);
        expect(range.last).toBeGreaterThanOrEqual(range.first);
        expect(range.last).toBeLessThan(sizeBytes);
      }),
      { examples: [["bytes=0-0", 1]] },
    );
  });
});

test("If-Range names a version by its strong ETag or its date", () => {
  const version = { etag: '"a"', modifiedAt: new Date("2026-01-02T03:04:05.678Z") };
  const same = [undefined, '"a"', "Fri, 02 Jan 2026 03:04:05 GMT"];
  const other = ['"b"', 'W/"a"', "Fri, 02 Jan 2026 03:04:06 GMT", "", "yesterday"];
  expect(same.map((header) => isSameVersion(header, version))).toEqual([true, true, true]);
  expect(other.filter((header) => isSameVersion(header, version))).toEqual([]);
});
