import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseAvcConfiguration, parseAvcSps } from "./avc-sps.ts";
import type { VideoParameters } from "./video-parameters.ts";

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, "hex"));

/** Bits of a NAL unit: `u(value, bits)`, Exp-Golomb codes, and what they are worth as bytes. */
function bitWriter(): {
  u(value: number, bits: number): void;
  ue(value: number): void;
  nal(): Uint8Array;
} {
  let text = "";
  return {
    u: (value, bits) => {
      text += value.toString(2).padStart(bits, "0");
    },
    ue: (value) => {
      const code = (value + 1).toString(2);
      text += "0".repeat(code.length - 1) + code;
    },
    nal: () =>
      Uint8Array.from(
        (`${text}1`.match(/.{1,8}/g) ?? []).map((byte) => parseInt(byte.padEnd(8, "0"), 2)),
      ),
  };
}

// Made by x264; ffprobe says the same of the files.
const SETS = {
  "1080p, eight lines cropped, 29.97 fps": [
    "6742c028da01e0089f97011000003e90000ea600f1832a",
    { width: 1920, height: 1080, fps: 30_000 / 1001 },
  ],
  "1080i: fields and frames": [
    "674d4028f403c0227ef011000003000100000300321f162ea0",
    { width: 1920, height: 1080, fps: 25 },
  ],
  "4:2:2": [
    "677a000bbcd942cde227c044000003000400000300c83c50a658",
    { width: 162, height: 90, fps: 25 },
  ],
  "4:4:4": [
    "67f4000b919b2859bc7cf808800000030080000019078a14cb",
    { width: 162, height: 90, fps: 25 },
  ],
  "a constant rate with HRD parameters": [
    "6764000dacd942cde224c044000003000400000300c9808007a10001e84e4c30078a14cb",
    { width: 162, height: 90, fps: 25 },
  ],
  "an aspect ratio of its own, and colours": [
    "6764000bacd942cde224ffc0140018da808080a0000003002000000641e28532c0",
    { width: 162, height: 90, fps: 25 },
  ],
} as const;

describe("a sequence parameter set of H.264", () => {
  test.each(Object.entries(SETS))("%s", (_name, [hex, expected]) => {
    expect(parseAvcSps(bytes(hex))).toEqual(expected);
  });

  test("with scaling lists, a cycle of picture order counts, and no timing", () => {
    const bits = bitWriter();
    bits.u(0x67, 8);
    bits.u(100, 8);
    bits.u(40, 16);
    bits.ue(0);
    bits.ue(1); // 4:2:0
    bits.ue(0);
    bits.ue(0);
    bits.u(0, 1);
    bits.u(1, 1); // scaling matrix
    bits.u(1, 1);
    for (let index = 0; index < 16; index += 1) {
      bits.ue(1); // one more than the scale before
    }
    bits.u(0b0_0000, 5);
    bits.u(1, 1);
    bits.ue(16); // minus 8: the scale is 0, and the list ends
    bits.u(0, 1);
    bits.ue(0);
    bits.ue(1); // pic_order_cnt_type
    bits.u(0, 1);
    bits.ue(3);
    bits.ue(4);
    bits.ue(2);
    bits.ue(7);
    bits.ue(8);
    bits.ue(4);
    bits.u(0, 1);
    bits.ue(44); // 45 macroblocks
    bits.ue(17); // 18 pairs of macroblocks
    bits.u(0b001, 3); // fields, not adaptive, direct 8 × 8
    bits.u(1, 1);
    bits.ue(1);
    bits.ue(2);
    bits.ue(0);
    bits.ue(3);
    bits.u(0, 1);
    expect(parseAvcSps(bits.nal())).toEqual({ width: 720 - 6, height: 576 - 12, fps: null });
  });
});

test("the configuration record of avcC", () => {
  const record = bytes(
    "0142c028ffe100176742c028da01e0089f97011000003e90000ea600f1832a01000468ce0fc8",
  );
  expect(parseAvcConfiguration(record)).toEqual({ width: 1920, height: 1080, fps: 30_000 / 1001 });
  expect(parseAvcConfiguration(record.subarray(0, 30))).toBeNull();
  expect(parseAvcConfiguration(record.with(0, 0))).toBeNull();
  expect(parseAvcConfiguration(record.with(5, 0xe0))).toBeNull();
});

test.each([
  ["nothing", ""],
  ["another NAL unit", "68ce0fc8"],
  ["half of it", "6742c028da01e0"],
  ["zeros without end", `67640028${"00".repeat(64)}`],
  ["a picture of a size that there is not", "67420028fffc00000100000080"],
])("%s is no parameter set", (_name, hex) => {
  expect(parseAvcSps(bytes(hex))).toBeNull();
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
    .tuple(fc.constantFrom(...Object.values(SETS)), fc.nat(20 * 8))
    .map(([[hex], bit]) => {
      const nal = bytes(hex);
      return nal.with(bit >> 3, (nal[bit >> 3] ?? 0) ^ (1 << (bit & 7)));
    });
  const hostile = fc
    .uint8Array({ maxLength: 6000 })
    .map((rest) => Uint8Array.from([0x67, 100, 0, 40, ...rest]));
  fc.assert(
    fc.property(fc.oneof(flipped, hostile), (nal) => {
      const parameters = parseAvcSps(nal);
      expect(parameters).toSatisfy(isPossible);
      expect(parseAvcConfiguration(nal)).toBeNull();
    }),
    { numRuns: 2000 },
  );
});
