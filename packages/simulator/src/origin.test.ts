import fc from "fast-check";
import { expect, it } from "vitest";
import { httpUrl, parseRange } from "./origin.ts";

it("gives a range inside the file, or none, for any header", () => {
  const header = fc.oneof(
    fc.string(),
    fc.stringMatching(/^bytes=\d{0,400}-\d{0,400}$/u),
    fc.tuple(fc.nat(), fc.nat()).map(([from, to]) => `bytes=${from}-${to}`),
  );
  fc.assert(
    fc.property(header, fc.nat(), (text, sizeBytes) => {
      const range = parseRange(text, sizeBytes);
      const isSound =
        typeof range === "string" ||
        (range.first >= 0 && range.first <= range.last && range.last < sizeBytes);
      expect(isSound).toBe(true);
    }),
  );
});

it("has no range in an empty file", () => {
  expect(parseRange("bytes=0-", 0)).toBe("unsatisfiable");
  expect(parseRange("bytes=-1", 0)).toBe("unsatisfiable");
  expect(parseRange(undefined, 0)).toBe("whole");
});

it("writes an IPv6 address into a URL as URLs have it", () => {
  expect(httpUrl("10.1.2.3", 8090)).toBe("http://10.1.2.3:8090");
  expect(httpUrl("fd00::1", 8090)).toBe("http://[fd00::1]:8090");
});
