import { readFileSync } from "node:fs";
import { join } from "node:path";
import { MEDIA_FIXTURES_FOLDER } from "@reelgate/testkit/media-fixtures";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { box, fragment, largeHeader, moof, text, u32 } from "../../../test/mp4-boxes.ts";
import { checkBoxes, createBoxChecker } from "./box-checker.ts";

const ONE = { trackId: 1, start: 0, samples: 1, units: 1 };
const segment = (name: string): Buffer =>
  readFileSync(join(MEDIA_FIXTURES_FOLDER, "hls/fmp4", name));

describe("a segment is sound", () => {
  test.each<[string, Buffer]>([
    ["as ffmpeg makes it", segment("segment0.m4s")],
    ["to initialise with", segment("init.mp4")],
    ["with several fragments", Buffer.concat([box("styp", u32(0)), fragment(ONE), fragment(ONE)])],
    ["with a 64-bit size", Buffer.concat([moof(ONE), largeHeader("mdat", 20), u32(9)])],
    ["with media data to the end", Buffer.concat([moof(ONE), u32(0), text("mdat"), u32(9)])],
  ])("%s", (_name, bytes) => {
    expect(checkBoxes(bytes)).toEqual({ ok: true });
  });
});

describe("a segment is not sound", () => {
  const whole = segment("segment0.m4s");
  test.each<[string, Buffer, string]>([
    ["empty", Buffer.alloc(0), "there are no boxes"],
    ["one byte short", whole.subarray(0, -1), `and the bytes at ${whole.length - 1}`],
    ["with one byte more", Buffer.concat([whole, Buffer.alloc(1)]), "within the header of a box"],
    ["an HTML page", Buffer.from("<!DOCTYPE html><html></html>"), 'no box ("CTYP")'],
    ["zeros", Buffer.alloc(100), "no box begins"],
    ["a fragment without media data", moof(ONE), "the moof at 0 has no media data (mdat)"],
    ["no media data at all", box("styp", u32(0)), "neither a header (moov) nor media data (mdat)"],
    ["two of them", Buffer.concat([moof(ONE), fragment(ONE)]), "the moof at 0 has no media data"],
    ["an impossible size", Buffer.concat([u32(7), text("mdat")]), "impossible size"],
    ["an impossible 64-bit size", largeHeader("mdat", 15), "impossible size"],
  ])("%s", (_name, bytes, words) => {
    expect(checkBoxes(bytes)).toEqual({ ok: false, problem: expect.stringContaining(words) });
  });

  test("wherever it is cut", () => {
    for (let size = 0; size < whole.length; size += 1) {
      expect([size, checkBoxes(whole.subarray(0, size)).ok]).toEqual([size, false]);
    }
  });
});

test("the size of the chunks makes no difference", () => {
  const files = fc.constantFrom(segment("segment0.m4s"), segment("init.mp4"), fragment(ONE));
  const cuts = fc.array(fc.integer({ min: 1, max: 600 }), { maxLength: 60 });
  fc.assert(
    fc.property(files, fc.nat(), cuts, fc.boolean(), (file, flipped, sizes, isFlipped) => {
      const bytes = Buffer.from(file);
      const at = flipped % bytes.length;
      bytes[at] = (bytes[at] ?? 0) ^ (isFlipped ? 0x11 : 0);
      const checker = createBoxChecker();
      let position = 0;
      for (const size of sizes) {
        checker.push(bytes.subarray(position, position + size));
        position = Math.min(position + size, bytes.length);
      }
      checker.push(bytes.subarray(position));
      const problem = checker.end();
      expect(problem === null ? { ok: true } : { ok: false, problem }).toEqual(checkBoxes(bytes));
    }),
    { numRuns: 500 },
  );
});
