import { readFileSync } from "node:fs";
import { join } from "node:path";
import { MEDIA_FIXTURES_FOLDER } from "@reelgate/testkit/media-fixtures";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { box, fragmentedMoov, FTYP } from "../../../test/mp4-boxes.ts";
import { readInitSegment } from "./init-segment.ts";

const NEVER = new AbortController().signal;
const init = (folder: string): Buffer =>
  readFileSync(join(MEDIA_FIXTURES_FOLDER, "hls", folder, "init.mp4"));

describe("an initialisation segment", () => {
  test("has the tracks of its playlist", async () => {
    expect(await readInitSegment(init("fmp4"), NEVER)).toEqual({
      video: { codec: "h264", width: 160, height: 90, fps: null },
      audio: { codec: "aac", sampleRateHz: 44_100, channels: 1 },
      problem: null,
    });
    expect(await readInitSegment(init("fmp4-hevc"), NEVER)).toMatchObject({
      video: { codec: "hevc" },
      problem: null,
    });
  });

  test.each<[string, Uint8Array, string]>([
    ["cut", init("fmp4").subarray(0, 600), "ends at"],
    ["without moov", FTYP, "neither a header (moov)"],
    ["with media data instead", Buffer.concat([FTYP, box("mdat")]), "there is no moov"],
    ["without tracks", Buffer.concat([FTYP, box("moov")]), "there is no track"],
    ["HTML", Buffer.from("<html><body>gone</body></html>"), "no box"],
    ["empty", new Uint8Array(), "there are no boxes"],
  ])("%s has a problem", async (_name, bytes, words) => {
    expect(await readInitSegment(bytes, NEVER)).toMatchObject({
      problem: expect.stringContaining(words),
    });
  });

  test("of any bytes gives a result", async () => {
    const sound = Buffer.concat([FTYP, fragmentedMoov()]);
    const flip = fc.tuple(fc.nat(sound.length - 1), fc.nat(255));
    await fc.assert(
      fc.asyncProperty(fc.array(flip, { minLength: 1, maxLength: 6 }), async (flips) => {
        const bytes = Buffer.from(sound);
        for (const [at, value] of flips) {
          bytes[at] = value;
        }
        const { problem } = await readInitSegment(bytes, NEVER);
        expect(problem === null || problem.length > 0).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});
