import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { box, u32, u64 } from "../../../test/mp4-boxes.ts";
import { parseFragment } from "./fragment.ts";

const DEFAULTS = new Map([[1, 40]]);
const MFHD = box("mfhd", u32(0, 1));

function body(...boxes: Buffer[]): Buffer {
  return Buffer.concat([MFHD, box("traf", ...boxes)]);
}

describe("a fragment", () => {
  const tfhd = box("tfhd", u32(0x02_0000, 1));

  test("of equal samples takes their duration from trex", () => {
    const bytes = body(tfhd, box("tfdt", u32(0, 800)), box("trun", u32(0x1, 10, 99)));
    expect(parseFragment(bytes, DEFAULTS)).toEqual([
      {
        trackId: 1,
        startUnits: 800,
        durationUnits: 400,
        sampleCount: 10,
        presentedFromUnits: 0,
        presentedToUnits: 400,
      },
    ]);
  });

  test("or from tfhd, behind its offset and its description", () => {
    const bytes = body(box("tfhd", u32(0xb, 1, 0, 5000, 1, 25)), box("trun", u32(0, 4)));
    expect(parseFragment(bytes, DEFAULTS)).toMatchObject([
      { startUnits: null, durationUnits: 100 },
    ]);
  });

  test("of reordered samples is presented from the earliest to the latest", () => {
    // Duration, size, flags and composition of each: pictures that refer to later ones come first.
    const samples = u32(10, 1, 0, 20, 10, 1, 0, 40, 10, 1, 0, 10, 12, 1, 0, -10);
    const bytes = body(
      tfhd,
      box("tfdt", u32(0x0100_0000), u64(6e9)),
      box("trun", u32(0x0100_0f05, 4, 1, 2), samples),
    );
    expect(parseFragment(bytes, DEFAULTS)).toMatchObject([
      {
        startUnits: 6e9,
        durationUnits: 42,
        sampleCount: 4,
        presentedFromUnits: 20,
        presentedToUnits: 60,
      },
    ]);
  });

  test("adds up its runs", () => {
    const bytes = body(tfhd, box("trun", u32(0, 3)), box("trun", u32(0x100, 2, 5, 6)));
    expect(parseFragment(bytes, DEFAULTS)).toMatchObject([
      { sampleCount: 5, durationUnits: 131, presentedToUnits: 131 },
    ]);
  });

  test.each<[string, Buffer]>([
    ["nothing", Buffer.alloc(0)],
    ["mfhd not first", Buffer.concat([box("traf", tfhd), MFHD])],
    ["no tfhd", body(box("trun", u32(0, 3)))],
    ["a run without room for its samples", body(tfhd, box("trun", u32(0x100, 3, 5, 6)))],
    ["a run of no length", body(tfhd, box("trun"))],
    ["an impossible time", body(tfhd, box("tfdt", u32(0x0100_0000, 0xffff_ffff, 0)))],
  ])("is none with %s", (_name, bytes) => {
    expect(parseFragment(bytes, DEFAULTS)).toBeNull();
  });

  test("of any numbers has finite times", () => {
    const numbers = fc.array(fc.oneof(fc.nat(0xffff_ffff), fc.nat(20)), { maxLength: 12 });
    fc.assert(
      fc.property(numbers, numbers, fc.nat(0xfff), fc.nat(4), (header, samples, flags, count) => {
        const run = box("trun", u32(flags, count, ...samples));
        const tracks = parseFragment(body(box("tfhd", u32(...header)), run), DEFAULTS);
        for (const track of tracks ?? []) {
          const { durationUnits, presentedFromUnits, presentedToUnits } = track;
          expect([durationUnits, presentedFromUnits, presentedToUnits].every(Number.isFinite)).toBe(
            true,
          );
        }
      }),
      { numRuns: 1000 },
    );
  });
});
