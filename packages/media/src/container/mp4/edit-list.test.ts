import { describe, expect, test } from "vitest";
import { u16, u32, u64 } from "../../../test/mp4-boxes.ts";
import { parseEditList } from "./edit-list.ts";

const MEDIA = { timescale: 48_000, durationUnits: 480_000 };
const EMPTY = -1;

/** Segment durations in milliseconds. */
function short(...edits: [durationMs: number, mediaTime: number, rate?: number][]): Buffer {
  const entries = edits.map(([durationMs, mediaTime, rate = 1]) =>
    Buffer.concat([u32(durationMs, mediaTime), u16(rate, 0)]),
  );
  return Buffer.concat([u32(0, edits.length), ...entries]);
}

describe("an edit list", () => {
  test.each([
    ["skips the beginning", short([4000, 2112]), 4, 0, 2112],
    ["pauses first", short([500, EMPTY], [4000, 0]), 4.5, 0.5, 0],
    ["pauses in the middle", short([1000, 0], [500, EMPTY], [2000, 9]), 3.5, 0, 0],
    ["dwells on one frame", short([1000, 0], [700, 480_000, 0]), 1.7, 0, 0],
    ["leaves the length to the media", short([0, 240_000]), 5, 0, 240_000],
    ["leaves it open behind a pause", short([250, EMPTY], [0, 0]), 10.25, 0.25, 0],
  ])("%s", (_name, body, durationS, delayS, mediaStartUnits) => {
    expect(parseEditList(body, 1000, MEDIA)).toEqual({ durationS, delayS, mediaStartUnits });
  });

  test("has 64-bit times in version 1", () => {
    const rate = u16(1, 0);
    const pause = Buffer.concat([u64(500), u32(0xffff_ffff, 0xffff_ffff), rate]);
    const rest = Buffer.concat([u64(6e9), u64(5e9), rate]);
    const body = Buffer.concat([u32(0x0100_0000, 2), pause, rest]);
    expect(parseEditList(body, 1000, MEDIA)).toEqual({
      durationS: 6_000_000.5,
      delayS: 0.5,
      mediaStartUnits: 5e9,
    });
  });

  test("does not tell the length of media that is still to come", () => {
    const media = { timescale: 48_000, durationUnits: 0 };
    expect(parseEditList(short([0, 1024]), 1000, media)).toMatchObject({
      durationS: null,
      mediaStartUnits: 1024,
    });
  });

  test("without an edit is none, however many it says it has", () => {
    expect(parseEditList(short(), 1000, MEDIA)).toBeNull();
    expect(parseEditList(u32(0, 0xffff_ffff), 1000, MEDIA)).toBeNull();
    expect(parseEditList(new Uint8Array(), 1000, MEDIA)).toBeNull();
  });
});
