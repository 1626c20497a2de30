import { describe, expect, test } from "vitest";
import { memorySource } from "../../../test/memory-source.ts";
import {
  AAC_STEREO,
  box,
  esds,
  FTYP,
  mvhd,
  soundEntry,
  text,
  trak,
  u32,
  visualEntry,
} from "../../../test/mp4-boxes.ts";
import type { ContainerReport } from "../container-report.ts";
import { indexMp4 } from "./index-mp4.ts";

const NEVER = new AbortController().signal;
const MEDIA = Buffer.alloc(1000, 0xcd);
const MDAT = box("mdat", MEDIA);

/** Two seconds of pictures in one chunk of ten samples of 100 bytes each, which lies at `chunkAt`. */
function moov(chunkAt: number, more: { elst?: Buffer } = {}): Buffer {
  return box(
    "moov",
    mvhd(1000, 2000),
    trak({
      id: 1,
      handler: "vide",
      timescale: 1000,
      sampleEntry: visualEntry("avc1", 320, 180),
      times: [[10, 200]],
      sampleSizes: Array.from({ length: 10 }, () => 100),
      chunkOffsets: [chunkAt],
      samplesPerChunk: 10,
      ...more,
    }),
  );
}

async function report(...parts: Buffer[]): Promise<ContainerReport> {
  return await indexMp4(memorySource(Buffer.concat(parts)), NEVER);
}

const SOUND = { durationS: 2, durationIsExact: true, completeness: "whole", findings: [] };

describe("a movie of one piece is whole", () => {
  const lastFirst = [FTYP, MDAT, moov(FTYP.length + 8)];
  test.each<[string, Buffer[]]>([
    ["with moov last", lastFirst],
    ["without ftyp", [MDAT, moov(8)]],
    [
      "with boxes that say nothing between",
      [FTYP, box("wide"), MDAT, box("uuid", Buffer.alloc(16)), moov(FTYP.length + 16), box("free")],
    ],
    [
      "with several mdat",
      [FTYP, MDAT, box("mdat", Buffer.alloc(9)), moov(FTYP.length + 8), box("mdat")],
    ],
    ["with a box of an unknown type that fits", [...lastFirst, box("abcd", MEDIA)]],
    ["with padding of zeros behind it", [...lastFirst, Buffer.alloc(100_000)]],
    ["with a few stray bytes behind it", [...lastFirst, Buffer.from("stray!!")]],
    [
      "with media data to the end of the file",
      [FTYP, moov(FTYP.length + moov(0).length + 8), u32(0), text("mdat"), MEDIA],
    ],
  ])("%s", async (_name, parts) => {
    expect(await report(...parts)).toMatchObject(SOUND);
  });

  test("with an edit list, which makes its duration", async () => {
    const elst = u32(0, 1, 1500, 500, 0x1_0000);
    expect(await report(FTYP, MDAT, moov(FTYP.length + 8, { elst }))).toMatchObject({
      durationS: 1.5,
      video: { fps: 5 },
    });
  });
});

describe("what is missing or wrong is named", () => {
  test.each<[string, Buffer[], ContainerReport["completeness"], string, string]>([
    ["no moov", [FTYP, MDAT], "unknown", "damaged", "There is no moov"],
    [
      "no moov behind media data that was never closed",
      [FTYP, u32(0), text("mdat"), MEDIA],
      "unknown",
      "damaged",
      "There is no moov",
    ],
    [
      "no mdat",
      [FTYP, moov(0), box("free", Buffer.alloc(999))],
      "truncated",
      "truncated",
      "no media data (mdat) at all",
    ],
    [
      "moov cut off before its header ends",
      [FTYP, MDAT, u32(900)],
      "truncated",
      "truncated",
      "within the header",
    ],
    [
      "zeros in place of moov",
      [FTYP, MDAT, Buffer.alloc(9000)],
      "unknown",
      "damaged",
      "zero bytes",
    ],
    [
      "garbage behind what holds only some of the samples",
      [FTYP, MDAT, moov(FTYP.length + MDAT.length + 1000), Buffer.alloc(2000, 0x01)],
      "unknown",
      "damaged",
      "no box begins",
    ],
    [
      "samples beyond the end",
      [FTYP, MDAT, moov(5000)],
      "truncated",
      "truncated",
      "samples end at 6000",
    ],
    [
      "fragments without a header",
      [FTYP, box("moof", box("mfhd", u32(0, 1)))],
      "unknown",
      "damaged",
      "no moov before the fragments",
    ],
  ])("%s", async (_name, parts, completeness, kind, words) => {
    const found = await report(...parts);
    expect(found.findings).toMatchObject([{ kind, detail: expect.stringContaining(words) }]);
    expect(found).toMatchObject({ completeness, durationIsExact: false });
  });

  test("a compressed header is not fully checked", async () => {
    const found = await report(FTYP, MDAT, box("moov", box("cmov", Buffer.alloc(20))));
    expect(found.findings).toMatchObject([{ kind: "not_fully_checked" }]);
    expect(found).toMatchObject({ durationS: null, video: null, audio: null });
  });

  test("a hundred broken tracks make eight findings", async () => {
    const broken = box("trak", box("mdia", box("mdhd", u32(0, 0, 0, 0, 9, 0))));
    const header = box("moov", mvhd(1000, 0), ...Array.from({ length: 100 }, () => broken));
    expect((await report(FTYP, MDAT, header)).findings).toHaveLength(8);
  });
});

test("a sound track alone has a duration in its own units", async () => {
  const header = box(
    "moov",
    mvhd(1000, 0),
    trak({
      id: 1,
      handler: "soun",
      timescale: 44_100,
      sampleEntry: soundEntry("mp4a", { channels: 2, rateHz: 44_100 }, esds(0x40, AAC_STEREO)),
      times: [[43, 1024]],
      sampleSizes: Array.from({ length: 43 }, () => 10),
      chunkOffsets: [FTYP.length + 8],
      samplesPerChunk: 43,
    }),
  );
  expect(await report(FTYP, MDAT, header)).toEqual({
    durationS: (43 * 1024) / 44_100,
    durationIsExact: true,
    video: null,
    audio: { codec: "aac", sampleRateHz: 44_100, channels: 2 },
    completeness: "whole",
    findings: [],
  });
});

describe("a header without a track that has samples is damage, whatever media data is there", () => {
  const noSamples = trak({
    id: 1,
    handler: "vide",
    timescale: 1000,
    sampleEntry: visualEntry("avc1", 320, 180),
  });
  test.each<[string, Buffer]>([
    ["an empty moov", box("moov")],
    ["no track", box("moov", mvhd(1000, 2000))],
    ["a track of no samples", box("moov", mvhd(1000, 2000), noSamples)],
    ["a track of nothing", box("moov", mvhd(1000, 2000), box("trak"))],
    ["a sample table of nothing", box("moov", box("trak", box("mdia", box("minf", box("stbl")))))],
  ])("%s", async (_name, header) => {
    const { findings } = await report(FTYP, MDAT, header);
    expect(findings).toMatchObject([
      { kind: "damaged", detail: expect.stringContaining("no track with samples") },
    ]);
  });
});

describe("bytes behind a whole movie belong to nothing, and nothing is missing", () => {
  const whole = Buffer.concat([FTYP, MDAT, moov(FTYP.length + 8)]);
  test.each<[string, Buffer]>([
    ["garbage", Buffer.alloc(20, 0x01)],
    ["text", Buffer.from("<html>hello</html>")],
    ["ID3v1", Buffer.concat([text("TAG"), Buffer.alloc(125)])],
    ["much of it", Buffer.alloc(100_000, 0x01)],
  ])("%s", async (_name, trailer) => {
    expect(await report(whole, trailer)).toMatchObject({
      ...SOUND,
      findings: [
        {
          kind: "not_fully_checked",
          detail: expect.stringContaining(`${trailer.length} bytes from ${whole.length} on`),
        },
      ],
    });
  });
});
