import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fixturePath } from "@reelgate/testkit/media-fixtures";
import { parseHevcConfiguration, parseHevcSps } from "./hevc-sps.ts";
import { readBits } from "./bit-reader.ts";
import { skipShortTermRefPicSets } from "./hevc-ref-pic-sets.ts";
import type { VideoParameters } from "./video-parameters.ts";

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, "hex"));

// Made by x265; ffprobe says the same of the files.
const SETS = {
  "1080p, eight lines cropped, 29.97 fps": [
    "420101016000000300900000030000030078a003c0801107cb965654a4c2f01680800001f480003a9804",
    { width: 1920, height: 1080, fps: 30_000 / 1001 },
  ],
  "4:2:2, 10 bit, 60 fps": [
    "4201010408000003009d0800000300003cb0152061c93b65959a4932bc05a020000003002000000781",
    { width: 162, height: 90, fps: 60 },
  ],
  "4:4:4": [
    "4201010408000003009e0800000300001e9002a40c39e7cb2b349265780b4040000003004000000642",
    { width: 162, height: 90, fps: 25 },
  ],
  monochrome: [
    "4201010408000003009fc800000300001ec05481873cf96566924caf016c08000003000800000300c840",
    { width: 162, height: 90, fps: 25 },
  ],
  "scaling lists": [
    "42010101600000030090000003000003003ca0152061c9265959a49395e02d010000030001000003003208",
    { width: 162, height: 90, fps: 50 },
  ],
  "fields as pictures": [
    "42010101600000030040000003000003001ea0152079c9e5959a4932bc05a1a000000300200000030321",
    { width: 162, height: 120, fps: 25 },
  ],
  "temporal layers and HRD parameters": [
    "42010201600000030090000003000003003c0000a0152061c9265958a2b1524995e02d0100000300010000030019600c965e001e840007a12e001e840007a122",
    { width: 162, height: 90, fps: 25 },
  ],
} as const;

describe("a sequence parameter set of H.265", () => {
  test.each(Object.entries(SETS))("%s", (_name, [hex, expected]) => {
    expect(parseHevcSps(bytes(hex))).toEqual(expected);
  });

  test.each([
    ["nothing", ""],
    ["another NAL unit", "4401c172b46240"],
    ["half of it", "42010101600000030090000003000003"],
    ["zeros without end", `4201${"00".repeat(64)}`],
  ])("%s is none", (_name, hex) => {
    expect(parseHevcSps(bytes(hex))).toBeNull();
  });
});

test("a set of reference pictures that moves the one before it is as long as that says", () => {
  // Two sets: -1, -3, +1; and all of these minus 1, with one more at -1, of which +1 falls on 0 and goes.
  const bits = readBits(
    // count 2; negatives 2, positives 1; -1 used; -2 more used; +1 used; predicted; negative, by 1; four used flags; 10101
    bytesOfBits("011 011 010 1 1 010 1 1 1 1 1 1 1111 10101"),
  );
  expect(skipShortTermRefPicSets(bits)).toBe(true);
  expect(bits.u(5)).toBe(0b10101);
});

function bytesOfBits(text: string): Uint8Array {
  const packed = text.replaceAll(" ", "").match(/.{1,8}/g) ?? [];
  return Uint8Array.from(packed.map((byte) => parseInt(byte.padEnd(8, "0"), 2)));
}

test("the configuration record of hvcC", () => {
  const file = readFileSync(fixturePath("flv/hevc-codec-12.flv"));
  const record = file.subarray(file.indexOf(Buffer.from([0x1c, 0, 0, 0, 0])) + 5).subarray(0, 200);
  const expected = { width: 160, height: 90, fps: 25 };
  expect(parseHevcConfiguration(record)).toEqual(expected);
  expect(parseHevcConfiguration(record.subarray(0, 60))).toBeNull();
  expect(parseHevcConfiguration(new Uint8Array(23).fill(0xff))).toBeNull();
});

function isPossible(parameters: VideoParameters | null): boolean {
  return (
    parameters === null ||
    (parameters.width > 0 &&
      parameters.height > 0 &&
      parameters.width <= 65_536 &&
      parameters.height <= 65_536 &&
      (parameters.fps === null || parameters.fps > 0))
  );
}

test("any bytes give parameters of a possible picture, or null", () => {
  const flipped = fc
    .tuple(fc.constantFrom(...Object.values(SETS)), fc.nat(38 * 8))
    .map(([[hex], bit]) => {
      const nal = bytes(hex);
      return nal.with(bit >> 3, (nal[bit >> 3] ?? 0) ^ (1 << (bit & 7)));
    });
  const hostile = fc
    .uint8Array({ maxLength: 6000 })
    .map((rest) => Uint8Array.from([0x42, 1, 1, ...rest]));
  const inRecord = (nal: Uint8Array): Uint8Array =>
    Uint8Array.from([
      ...new Uint8Array(22),
      1,
      33,
      0,
      1,
      nal.length >> 8,
      nal.length & 255,
      ...nal,
    ]);
  fc.assert(
    fc.property(fc.oneof(flipped, hostile), (nal) => {
      const parameters = parseHevcSps(nal);
      expect(parameters).toSatisfy(isPossible);
      expect(parseHevcConfiguration(inRecord(nal))).toEqual(parameters);
    }),
    { numRuns: 2000 },
  );
});
