import fc from "fast-check";
import { InvalidArgumentError } from "commander";
import { describe, expect, it } from "vitest";
import { duration, lookup, time, whole } from "./values.ts";

function timeOrWhy(text: string): string {
  try {
    return time(text);
  } catch (error) {
    if (error instanceof InvalidArgumentError) return error.message;
    throw error;
  }
}

describe("values of the command line", () => {
  it.each([
    ["2026-01-31T12:00:00Z", "2026-01-31T12:00:00.000000Z"],
    ["2026-01-31T12:00:00.123456789+08:00", "2026-01-31T04:00:00.123456Z"],
    ["2026-01-31", "2026-01-31T00:00:00.000000Z"],
  ])("the time %s is %s", (text, utc) => {
    expect(time(text)).toBe(utc);
  });

  it("a time may be an age", () => {
    const before = Date.now() - 2 * 86_400_000;
    const ms = Date.parse(time("2d"));
    expect(ms).toBeGreaterThanOrEqual(before);
    expect(ms).toBeLessThanOrEqual(before + 60_000);
  });

  it.each(["", "yesterday", "2026-13-01", "2026-01-31 12:00", "1y", "-1d", "0000-01-01"])(
    "%j is no time",
    (text) => {
      expect(() => time(text)).toThrow(InvalidArgumentError);
    },
  );

  it("a length of time has a unit and a least value", () => {
    expect(duration(1000, "1s")("90d")).toBe(7_776_000_000);
    expect(duration(1000, "1s")("4w")).toBe(2_419_200_000);
    expect(() => duration(86_400_000, "1d")("23h")).toThrow("1d or more");
    expect(() => duration(0, "")("90")).toThrow("such as 90d");
  });

  it("whole numbers have bounds, and what is looked up is no NUL", () => {
    expect(whole(1, 10)("10")).toBe(10);
    for (const text of ["0", "11", "1.5", "1e1", ""])
      expect(() => whole(1, 10)(text)).toThrow("from 1 to 10");
    expect(lookup("x")).toBe("x");
    for (const text of ["", "a\0", "x".repeat(513)]) expect(() => lookup(text)).toThrow("1 to 512");
  });

  it("fast-check: any text is a time of Postgres or an error that is said", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(timeOrWhy(text)).toMatch(
          /^(?:\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z|It must be a time .*)$/u,
        );
      }),
    );
  });
});
