import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CONTAINERS } from "@reelgate/shared/contract/media";
import { copyExtension, copyName, type CopyNameParts } from "./object-name.ts";

const PARTS: CopyNameParts = {
  app: "live.example",
  appname: "live",
  streamId: "room-1",
  startedAt: "2026-11-23T10:20:30.000000Z",
  identity: "1250000000/file/5285890784",
};

test("a name tells people what it is", () => {
  expect(copyName(PARTS)).toBe(
    "live.example/live/room-1/20261123T102030.000000Z-e42246c0a04fe588ba6269a0bb86d567",
  );
});

test("what a callback left out becomes an underscore", () => {
  expect(copyName({ ...PARTS, app: null, appname: null })).toMatch(/^_\/_\/room-1\//);
});

test.each([
  ["..", "__"],
  [".", "_"],
  ["", "_"],
  ["../../etc/passwd", "_._.._etc_passwd"],
  ["a/b\\c", "a_b_c"],
  [".hidden", "_hidden"],
  ["-rf", "_rf"],
  ["a:b*c?d", "a_b_c_d"],
  ["a\0b\nc", "a_b_c"],
  ["CON", "_CON"],
  ["nul.txt", "_nul.txt"],
  ["console", "console"],
  ["ends.", "ends_"],
  ["ends ", "ends_"],
  ["a%2e%2e", "a_2e_2e"],
  ["房间一", "房间一"],
  ["\u202egpj.exe", "_gpj.exe"],
  ["a\ud800b", "a_b"],
])("a stream named %j is filed under %j", (streamId, expected) => {
  expect(copyName({ ...PARTS, streamId }).split("/")[2]).toBe(expected);
});

describe("whatever a callback says", () => {
  const text = fc.oneof(
    fc.string({ unit: "binary", maxLength: 300 }),
    fc.string({ maxLength: 20 }),
    fc.constantFrom("..", ".", "", "con", "COM1.x", "a/../b", "\0", "…".repeat(200)),
  );
  const parts = fc.record({
    app: fc.option(text),
    appname: fc.option(text),
    streamId: text,
    startedAt: text,
    identity: text,
  });

  test("a name has four tame parts", () => {
    fc.assert(
      fc.property(parts, (given) => {
        const name = copyName(given);
        expect(Buffer.byteLength(name)).toBeLessThan(600);
        expect(name.split("/")).toHaveLength(4);
        for (const part of name.split("/")) {
          expect(part).toMatch(/^[\p{L}\p{M}\p{Nd}_][\p{L}\p{M}\p{Nd}._-]*$/u);
          expect(part).not.toMatch(/\.$|^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i);
          expect(Buffer.byteLength(part)).toBeLessThanOrEqual(120);
        }
      }),
    );
  });

  test("two recordings never share a name, whatever the case of their letters", () => {
    fc.assert(
      fc.property(parts, parts, (a, b) => {
        fc.pre(a.identity !== b.identity);
        expect(copyName({ ...a, identity: b.identity }).toLowerCase()).not.toBe(
          copyName(a).toLowerCase(),
        );
        expect(copyName(a).toLowerCase()).not.toBe(copyName(b).toLowerCase());
      }),
    );
  });
});

test("the extension is that of the container; HLS is a folder", () => {
  expect(CONTAINERS.map(copyExtension)).toEqual([".flv", "", ".mp4", ".aac", ".ts"]);
});
