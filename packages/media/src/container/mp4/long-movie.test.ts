import { describe, expect, test } from "vitest";
import {
  AAC_STEREO,
  box,
  esds,
  fragment,
  fragmentedMoov,
  FTYP,
  largeHeader,
  mvhd,
  soundEntry,
  trak,
  u32,
  visualEntry,
} from "../../../test/mp4-boxes.ts";
import { type SparseSource, sparseSource } from "../../../test/sparse-source.ts";
import { indexMp4 } from "./index-mp4.ts";

const NEVER = new AbortController().signal;
const MAX_BYTES = 262_144;

interface MovieOptions {
  durationS: number;
  mediaBytes: number;
  moovFirst: boolean;
  /** As a live encoder writes with the clock of its camera: no two frames take equally long. */
  isJittering?: boolean;
}

/** A movie of 25 frames a second and sound, of any length, whose media data is not there at all. */
function longMovie(options: MovieOptions): SparseSource {
  const { durationS, mediaBytes, moovFirst, isJittering = false } = options;
  const moov = longMoov(durationS, mediaBytes, isJittering);
  const mdatStart = FTYP.length + (moovFirst ? moov.length : 0);
  return sparseSource(FTYP.length + moov.length + 16 + mediaBytes, [
    { offset: 0, bytes: FTYP },
    { offset: mdatStart, bytes: largeHeader("mdat", mediaBytes + 16) },
    { offset: moovFirst ? FTYP.length : mdatStart + 16 + mediaBytes, bytes: moov },
  ]);
}

/** One chunk a second, all over the media data; of more than 4 GB the offsets take 64 bits. */
function longMoov(durationS: number, mediaBytes: number, isJittering: boolean): Buffer {
  const frames = durationS * 25;
  const sounds = Math.floor((durationS * 44_100) / 1024);
  const chunks = Array.from({ length: durationS }, (_, second) =>
    Math.floor((second * mediaBytes) / durationS),
  );
  return box(
    "moov",
    mvhd(1000, durationS * 1000),
    trak({
      id: 1,
      handler: "vide",
      timescale: 1000,
      sampleEntry: visualEntry("avc1", 1280, 720),
      times: isJittering
        ? Array.from({ length: frames }, (_, frame) => [1, 38 + (frame % 2) * 4])
        : [[frames, 40]],
      sampleSizes: Array.from({ length: frames }, () => Math.floor(mediaBytes / frames)),
      chunkOffsets: chunks,
      samplesPerChunk: 25,
    }),
    trak({
      id: 2,
      handler: "soun",
      timescale: 44_100,
      sampleEntry: soundEntry("mp4a", { channels: 2, rateHz: 44_100 }, esds(0x40, AAC_STEREO)),
      times: [[sounds, 1024]],
      sampleSizes: Array.from({ length: sounds }, () => 200),
      chunkOffsets: chunks,
      samplesPerChunk: 43,
    }),
  );
}

describe("a movie of one piece costs the same however long it is", () => {
  const kinds = [
    { moovFirst: true, isJittering: false },
    { moovFirst: false, isJittering: false },
    { moovFirst: true, isJittering: true },
    { moovFirst: false, isJittering: true },
  ];
  test.each(kinds)("moov first: $moovFirst, jittering: $isJittering", async (kind) => {
    const fetched: number[] = [];
    for (const durationS of [300, 3600, 14_400]) {
      const source = longMovie({ ...kind, durationS, mediaBytes: durationS * 140_000 });
      const report = await indexMp4(source, NEVER);
      expect(report).toEqual({
        durationS,
        durationIsExact: true,
        video: { codec: "h264", width: 1280, height: 720, fps: 25 },
        audio: { codec: "aac", sampleRateHz: 44_100, channels: 2 },
        completeness: "whole",
        findings: [],
      });
      fetched.push(source.fetchedBytes);
      // Without jitter five minutes fit into one request behind the head.
      const isSmall = durationS === 300 && !kind.isJittering;
      expect(source.requests).toBeLessThanOrEqual(isSmall ? 2 : kind.isJittering ? 8 : 4);
    }
    expect(Math.max(...fetched)).toBeLessThanOrEqual(MAX_BYTES);
  });

  test("beyond 4 GB too, where offsets need 64 bits", async () => {
    const options = { durationS: 3600, mediaBytes: 6e9, moovFirst: false };
    const source = longMovie(options);
    expect(source.sizeBytes).toBeGreaterThan(6e9);
    expect(await indexMp4(source, NEVER)).toMatchObject({ completeness: "whole", findings: [] });
    expect(source.fetchedBytes).toBeLessThanOrEqual(MAX_BYTES);
  });

  test("a byte that is missing of 6 GB is found", async () => {
    const mdat = largeHeader("mdat", 6e9);
    const source = sparseSource(FTYP.length + 6e9 - 1, [
      { offset: 0, bytes: FTYP },
      { offset: FTYP.length, bytes: mdat },
    ]);
    const { findings } = await indexMp4(source, NEVER);
    expect(findings).toMatchObject([
      { kind: "truncated", declared: FTYP.length + 6e9, actual: FTYP.length + 6e9 - 1 },
    ]);
  });
});

describe("a moov of 100 MiB", () => {
  test("is read by jumps", async () => {
    const padding = 104_857_600;
    const free = Buffer.concat([u32(padding), Buffer.from("free")]);
    const track = longMoov(60, 1000, false).subarray(8 + mvhd(1000, 0).length);
    const moovBytes = 8 + mvhd(1000, 0).length + padding + track.length;
    const head = Buffer.concat([u32(moovBytes), Buffer.from("moov")]);
    const trackStart = FTYP.length + moovBytes - track.length;
    const source = sparseSource(FTYP.length + moovBytes + 1008, [
      { offset: 0, bytes: Buffer.concat([FTYP, head, mvhd(1000, 60_000), free]) },
      { offset: trackStart, bytes: track },
      { offset: FTYP.length + moovBytes, bytes: Buffer.concat([u32(1008), Buffer.from("mdat")]) },
    ]);
    expect(await indexMp4(source, NEVER)).toMatchObject({ durationS: 60, completeness: "whole" });
    expect(source.fetchedBytes).toBeLessThanOrEqual(MAX_BYTES);
  });
});

/** Fragments of two seconds, each of so many bytes, after a moov with that mehd. */
function longFragmented(options: {
  fragments: number;
  fragmentBytes: number;
  mehdMs?: number;
  isSparse?: boolean;
}): SparseSource {
  const { fragments, fragmentBytes } = options;
  const head = Buffer.concat([FTYP, fragmentedMoov(options.mehdMs)]);
  const parts: { offset: number; bytes: Uint8Array }[] = [{ offset: 0, bytes: head }];
  let offset = head.length;
  for (let index = 0; index < fragments; index += 1) {
    const video = fragment({ trackId: 1, start: index * 50, samples: 50, units: 1 }, fragmentBytes);
    const audio = fragment({ trackId: 2, start: index * 88_200, samples: 86, units: 1025 }, 2000);
    const bytes = Buffer.concat([video, audio]);
    parts.push({ offset, bytes });
    offset += bytes.length;
  }
  return sparseSource(offset, parts);
}

describe("a fragmented movie without an index", () => {
  test("is measured by its last fragments, of each track", async () => {
    const source = longFragmented({ fragments: 150, fragmentBytes: 100_000 });
    const report = await indexMp4(source, NEVER);
    expect(report).toEqual({
      durationS: 300,
      durationIsExact: true,
      video: { codec: "h264", width: 640, height: 360, fps: 25 },
      audio: { codec: "aac", sampleRateHz: 44_100, channels: 2 },
      completeness: "unknown",
      findings: [],
    });
    expect(source.fetchedBytes).toBeLessThanOrEqual(500_000);
  });

  test("is measured by looking back up to 4 MiB", async () => {
    const source = longFragmented({ fragments: 12, fragmentBytes: 3_000_000 });
    expect(await indexMp4(source, NEVER)).toMatchObject({ durationS: 24, findings: [] });
    expect(source.fetchedBytes).toBeLessThanOrEqual(6_000_000);
  });

  test("is walked from the beginning where fragments are larger and few", async () => {
    const source = longFragmented({ fragments: 6, fragmentBytes: 5_000_000 });
    expect(await indexMp4(source, NEVER)).toMatchObject({ durationS: 12, findings: [] });
    expect(source.fetchedBytes).toBeLessThanOrEqual(8_500_000);
  });

  test("is proven whole by mehd, and cut between fragments by it too", async () => {
    const whole = longFragmented({ fragments: 60, fragmentBytes: 50_000, mehdMs: 120_000 });
    expect(await indexMp4(whole, NEVER)).toMatchObject({ completeness: "whole", findings: [] });
    const cut = longFragmented({ fragments: 40, fragmentBytes: 50_000, mehdMs: 120_000 });
    const report = await indexMp4(cut, NEVER);
    expect(report).toMatchObject({
      durationS: 80,
      durationIsExact: false,
      completeness: "truncated",
    });
    expect(report.findings[0]?.detail).toBe("The header says 120 s; the fragments end at 80 s.");
  });
});
