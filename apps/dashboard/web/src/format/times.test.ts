import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { age, fromLocalInput, localTime, toLocalInput, unixMs, utcTime } from "./times.ts";

const NOW = Date.parse("2026-11-25T12:00:00Z");

describe("ages", () => {
  test.each([
    ["2026-11-25T11:59:58Z", "just now"],
    ["2026-11-25T11:59:30Z", "30 s ago"],
    ["2026-11-25T11:59:00.400Z", "1 min ago"],
    ["2026-11-25T10:01:00Z", "1 h ago"],
    ["2026-11-23T11:00:00Z", "2 d ago"],
    ["2026-11-25T12:04:00Z", "in 4 min"],
    ["no time", ""],
  ])("%s is %s", (iso, text) => {
    expect(age(iso, NOW)).toBe(text);
  });
});

describe("times", () => {
  test("UTC keeps every digit that there is", () => {
    expect(utcTime("2022-01-13T15:57:25.316441Z")).toBe("2022-01-13 15:57:25.316441 UTC");
    expect(utcTime("2022-01-13T23:57:25+08:00")).toBe("2022-01-13 15:57:25.000 UTC");
    expect(utcTime("<b>")).toBe("<b>");
  });

  test("microseconds count", () => {
    expect(unixMs("1970-01-01T00:00:00.000001Z")).toBeCloseTo(0.001, 6);
    expect(unixMs("1970-01-01T00:00:01.5Z")).toBe(1500);
  });

  test("what is no time is shown as it is", () => {
    expect(localTime("yesterday")).toBe("yesterday");
    expect(localTime("2026-11-25T12:00:00Z")).toMatch(/^2026-11-2\d \d\d:\d\d:00$/u);
  });

  test("what is entered comes back as it was", () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date("1990-01-01"), max: new Date("2090-01-01"), noInvalidDate: true }),
        (date) => {
          const iso = new Date(Math.floor(date.getTime() / 1000) * 1000).toISOString();
          const back = fromLocalInput(toLocalInput(iso)) ?? "";
          // The hour that a clock repeats in autumn has one name for two times.
          expect(Math.abs(Date.parse(back) - Date.parse(iso)) % 3_600_000).toBe(0);
          expect(toLocalInput(back)).toBe(toLocalInput(iso));
        },
      ),
    );
    expect(fromLocalInput("")).toBeNull();
  });
});
