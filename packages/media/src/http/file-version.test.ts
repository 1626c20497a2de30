import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type FileVersion,
  ifRangeValidator,
  isSameVersion,
  provesVersion,
  versionOf,
} from "./file-version.ts";

const MONDAY = "Mon, 23 Nov 2026 10:00:00 GMT";
const TUESDAY = "Tue, 24 Nov 2026 10:00:00 GMT";

function version(part: Partial<FileVersion>): FileVersion {
  return { etag: null, lastModified: null, totalSizeBytes: null, ...part };
}

describe("the validator for If-Range", () => {
  test.each([
    [{ etag: '"a"' }, '"a"'],
    [{ etag: '""' }, '""'],
    [{ etag: '"a"', lastModified: MONDAY }, '"a"'],
    [{ etag: 'W/"a"' }, null],
    [{ etag: 'W/"a"', lastModified: MONDAY }, MONDAY],
    [{ etag: "a" }, null],
    [{ etag: '"a"b"' }, null],
    [{ etag: '"a', lastModified: MONDAY }, MONDAY],
    [{ lastModified: "Sunday, 06-Nov-94 08:49:37 GMT" }, "Sunday, 06-Nov-94 08:49:37 GMT"],
    [{ lastModified: "Sun Nov  6 08:49:37 1994" }, "Sun Nov  6 08:49:37 1994"],
    [{ lastModified: "0" }, null],
    [{ lastModified: "yesterday" }, null],
    [{ lastModified: "Mon, 99 Nov 2026 10:00:00 GMT" }, null],
    [{}, null],
  ])("of %j is %j", (part, expected) => {
    expect(ifRangeValidator(version(part))).toBe(expected);
  });

  test("is always fit for a header", () => {
    const text = fc.option(fc.string({ unit: "binary" }));
    fc.assert(
      fc.property(text, text, (etag, lastModified) => {
        const validator = ifRangeValidator(version({ etag, lastModified }));
        expect(validator ?? "").not.toMatch(/[^\x20-\x7e\x80-\xff]/);
      }),
    );
  });
});

describe("two answers", () => {
  const known = version({ etag: '"a"', lastModified: MONDAY, totalSizeBytes: 10 });

  test.each([
    ["equal in everything", known, true],
    ["that say nothing", version({}), true],
    ["with another ETag", { ...known, etag: '"b"' }, false],
    ["with another date", { ...known, lastModified: TUESDAY }, false],
    ["of another size", { ...known, totalSizeBytes: 11 }, false],
    ["with the ETag alone", version({ etag: '"a"' }), true],
  ])("%s", (_name, other, same) => {
    expect(isSameVersion(known, other)).toBe(same);
    expect(isSameVersion(other, known)).toBe(same);
  });

  test.each([
    ["the same ETag", known, version({ etag: '"a"' }), true],
    ["no ETag where one was known", known, version({ lastModified: MONDAY }), false],
    ["nothing", known, version({ totalSizeBytes: 10 }), false],
    ["the same date, the only one known", version({ lastModified: MONDAY }), known, true],
    [
      "the same weak ETag and no date",
      version({ etag: 'W/"a"' }),
      version({ etag: 'W/"a"' }),
      false,
    ],
    ["the same ETag and another size", known, { ...known, totalSizeBytes: 11 }, false],
  ])("proven by %s: %s", (_name, before, answer, proven) => {
    expect(provesVersion(before, answer)).toBe(proven);
  });

  test("the version of a prefix is what its answer said", () => {
    expect(versionOf(Object.assign({ status: 206 }, known))).toEqual(known);
  });
});
