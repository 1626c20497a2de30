import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FILE_FORMATS, FINDING_KINDS } from "@reelgate/shared/contract/media";
import { RECORDING_STATES } from "@reelgate/shared/contract/recording";
import {
  describeRecordingFilter,
  readRecordingFilter,
  recordingFilterQuery,
  recordingsPath,
} from "./recording-filter.ts";
import type { RecordingFilter } from "./recording-filter.ts";

const text = fc
  .string({ minLength: 1, maxLength: 100, unit: "grapheme" })
  .filter((value) => value.isWellFormed() && !value.includes("\0"));
const time = fc
  .date({ min: new Date("0001-01-02"), max: new Date("9999-12-30"), noInvalidDate: true })
  .map((date) => date.toISOString());
const filters: fc.Arbitrary<RecordingFilter> = fc.record(
  {
    q: text,
    stream_id: text,
    app: text,
    appname: text,
    task_id: text,
    state: fc.constantFrom(...RECORDING_STATES),
    format: fc.constantFrom(...FILE_FORMATS),
    finding: fc.constantFrom("any" as const, ...FINDING_KINDS),
    from: time,
    to: time,
  },
  { requiredKeys: [] },
);

describe("a filter in an address", () => {
  test("comes back as it was", () => {
    fc.assert(
      fc.property(filters, (filter) => {
        const { search } = new URL(recordingsPath(filter), "http://dashboard.test");
        expect(readRecordingFilter(search)).toEqual(filter);
      }),
    );
  });

  test("has one address, whatever the order of its parts", () => {
    expect(recordingsPath({ state: "failed", q: "a" })).toBe("/recordings?q=a&state=failed");
    expect(recordingsPath({ q: "a", state: "failed" })).toBe("/recordings?q=a&state=failed");
    expect(recordingsPath({})).toBe("/recordings");
  });

  test("loses what the API would refuse", () => {
    expect(
      readRecordingFilter("?state=sleeping&format=avi&finding=ugly&from=yesterday&q=&page=3"),
    ).toEqual({});
    expect(readRecordingFilter(`?q=${"x".repeat(600)}`).q).toHaveLength(512);
    expect(readRecordingFilter("?q=a%00b")).toEqual({ q: "ab" });
  });

  test("any address is read", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (search) => {
        const filter = readRecordingFilter(search);
        expect(readRecordingFilter(recordingFilterQuery(filter).toString())).toEqual(filter);
      }),
    );
  });
});

test("every condition is said in words", () => {
  fc.assert(
    fc.property(filters, (filter) => {
      expect(describeRecordingFilter(filter)).toHaveLength(Object.keys(filter).length);
    }),
  );
  expect(describeRecordingFilter({ state: "failed", finding: "truncated" })).toEqual([
    "that are failed",
    "with the finding “Truncated”",
  ]);
});
