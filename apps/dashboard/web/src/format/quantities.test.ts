import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { counted, exactBytes, humanBitrate, humanBytes, humanDuration } from "./quantities.ts";

describe("sizes", () => {
  test.each([
    [0, "0 bytes"],
    [1, "1 byte"],
    [999, "999 bytes"],
    [1000, "1.0 kB"],
    [999_949, "999.9 kB"],
    [999_950, "1.0 MB"],
    [277_941_079, "277.9 MB"],
    [9_007_199_254_740_991, "9.0 PB"],
  ])("%d bytes are %s", (sizeBytes, text) => {
    expect(humanBytes(sizeBytes)).toBe(text);
  });

  test("to the last byte, and in few letters whatever the size", () => {
    expect(exactBytes(277_941_079)).toBe("277,941,079 bytes");
    fc.assert(
      fc.property(fc.nat({ max: Number.MAX_SAFE_INTEGER }), (sizeBytes) => {
        expect(humanBytes(sizeBytes)).toMatch(/^(?:\d{1,3} bytes?|\d{1,3}\.\d [kMGTPE]B)$/u);
      }),
    );
  });
});

describe("durations", () => {
  test.each([
    [0, "0 s"],
    [0.0004, "1 ms"],
    [0.25, "0.3 s"],
    [9.94, "9.9 s"],
    [9.96, "10 s"],
    [59.4, "59 s"],
    [59.6, "1 min"],
    [154, "2 min 34 s"],
    [3599.7, "1 h"],
    [3660, "1 h 1 min"],
    [86_399, "1 d"],
    [90_000, "1 d 1 h"],
    [-5, "−5 s"],
  ])("%d s are %s", (seconds, text) => {
    expect(humanDuration(seconds)).toBe(text);
  });

  test("no unit is ever full", () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1e8, noNaN: true }), (seconds) => {
        expect(humanDuration(seconds)).not.toMatch(/\b(?:60 s|60 min|24 h|1000 ms)\b/u);
      }),
    );
  });
});

test("bit rates and counts", () => {
  expect(humanBitrate(128)).toBe("128 kbit/s");
  expect(humanBitrate(1804)).toBe("1.8 Mbit/s");
  expect(counted(1, "recording")).toBe("1 recording");
  expect(counted(12_345, "entry", "entries")).toBe("12,345 entries");
});
