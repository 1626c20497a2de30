import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isoFromUnixMicroseconds, isoFromUnixMilliseconds, isoMicroseconds } from "./instant.ts";

/** Up to the last second of 2199, which callbacks may name. */
const unixUs = fc.integer({ min: 0, max: 7_258_118_399_999_999 });

describe("times of Postgres", () => {
  test.each([
    ["2022-01-13 15:57:25.316441+00", "2022-01-13T15:57:25.316441Z"],
    ["2022-01-13 15:57:25+00", "2022-01-13T15:57:25.000000Z"],
    ["2022-01-13 15:57:25.5+00", "2022-01-13T15:57:25.500000Z"],
    ["2199-12-31 23:59:59.999999+00", "2199-12-31T23:59:59.999999Z"],
    ["10000-01-01 00:00:00+00", "10000-01-01T00:00:00.000000Z"],
  ])("%s is %s", (text, iso) => {
    expect(isoMicroseconds(text)).toBe(iso);
  });

  test.each(["2022-01-13 15:57:25+08", "infinity", "0001-01-01 00:00:00+00 BC", "", "now"])(
    "%j is refused: the session must be in UTC",
    (text) => {
      expect(() => isoMicroseconds(text)).toThrow("not a UTC time of Postgres");
    },
  );
});

describe("Unix times", () => {
  test("fast-check: microseconds are kept, and order is kept", () => {
    fc.assert(
      fc.property(unixUs, unixUs, (a, b) => {
        const [isoA, isoB] = [isoFromUnixMicroseconds(a), isoFromUnixMicroseconds(b)];
        expect(isoA).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/u);
        expect(Date.parse(isoA)).toBe(Math.floor(a / 1000));
        expect(Number(isoA.slice(-4, -1))).toBe(a % 1000);
        expect(isoA < isoB).toBe(a < b);
      }),
    );
  });

  test("milliseconds", () => {
    expect(isoFromUnixMilliseconds(1_642_089_600_123)).toBe("2022-01-13T16:00:00.123000Z");
  });
});
