import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { FindingKind } from "@reelgate/shared/contract/media";
import { fixturePath, MEDIA_FIXTURES, mediaFixture } from "@reelgate/testkit/media-fixtures";
import {
  AAC_CONFIGURATION,
  AAC_FRAME,
  AVC_CONFIGURATION,
  avcFrame,
  flvHeader,
  flvTag,
  onMetaData,
} from "../../../test/flv-tags.ts";
import { memorySource } from "../../../test/memory-source.ts";
import type { ContainerReport } from "../container-report.ts";
import { indexFlv } from "./index-flv.ts";

const NEVER = new AbortController().signal;
const AUDIO = 8;
const VIDEO = 9;
const SCRIPT = 18;

const index = (bytes: Uint8Array): Promise<ContainerReport> => indexFlv(memorySource(bytes), NEVER);
const fixture = (name: Parameters<typeof fixturePath>[0]): Buffer =>
  readFileSync(fixturePath(name));
const kinds = ({ findings }: ContainerReport): FindingKind[] => findings.map(({ kind }) => kind);

/** Frames of 25 fps and of AAC in the order of their times. */
function frames(fromMs: number, toMs: number, videoBytes = 500): Buffer[] {
  const tags: Buffer[] = [];
  let audio = 0;
  for (let time = 0; fromMs + time < toMs; time += 40) {
    tags.push(flvTag(VIDEO, fromMs + time, avcFrame(time % 1000 === 0, videoBytes)));
    for (; (audio * 1024) / 44.1 < time + 40; audio += 1) {
      tags.push(flvTag(AUDIO, fromMs + Math.round((audio * 1024) / 44.1), AAC_FRAME));
    }
  }
  return tags;
}
const CONFIGURATION = [flvTag(VIDEO, 0, AVC_CONFIGURATION), flvTag(AUDIO, 0, AAC_CONFIGURATION)];
const file = (...tags: Buffer[]): Buffer => Buffer.concat([flvHeader(5), ...tags]);

describe("a sound file", () => {
  const sound = MEDIA_FIXTURES.filter(
    ({ path, damage }) => path.startsWith("flv/") && damage === null,
  );
  /** One frame of video and one of audio: ffprobe takes the beginning of the last tag for the end, or the metadata. */
  const TOLERANCE_S = 0.04 + 1024 / 44_100;

  test.each(sound.map((each) => [each.name, each] as const))(
    "%s: codecs, size, rates and duration as ffprobe tells them",
    async (name, { ffprobe }) => {
      const report = await index(fixture(name));
      const isHevc = name.includes("hevc");
      // This ffprobe knows HEVC in FLV not at all.
      const video = isHevc ? { codec: "hevc", width: 160, height: 90, fps: 25 } : ffprobe.video;
      expect(report).toMatchObject({
        video,
        audio: ffprobe.audio,
        findings: [],
        durationIsExact: true,
      });
      expect(Math.abs((report.durationS ?? 0) - (ffprobe.durationS ?? 0))).toBeLessThan(
        TOLERANCE_S,
      );
      expect(report.completeness).not.toBe("truncated");
    },
  );

  test("is whole when its metadata tells its size, else that is not known", async () => {
    expect((await index(fixture("flv/full.flv"))).completeness).toBe("whole");
    expect((await index(fixture("flv/no-metadata.flv"))).completeness).toBe("unknown");
    const smaller = flvTag(SCRIPT, 0, onMetaData({ filesize: 100 }));
    const report = await index(file(smaller, ...CONFIGURATION, ...frames(0, 1000)));
    expect(report).toMatchObject({ completeness: "unknown", findings: [] });
  });

  test("lasts from the first frame shown to the end of the last, whatever the metadata tells", async () => {
    const report = await index(
      file(
        flvTag(SCRIPT, 0, onMetaData({ duration: 1, framerate: 25 })),
        ...CONFIGURATION,
        flvTag(VIDEO, 7000, avcFrame(true, 100, 80)),
        flvTag(VIDEO, 7040, avcFrame(false, 100, 120)),
        flvTag(VIDEO, 7080, avcFrame(false, 100, 40)),
      ),
    );
    // Shown at 7080, 7160 and 7120.
    expect(report).toMatchObject({ durationS: 0.12, audio: { channels: 2 }, findings: [] });
  });

  test("across the wrap of 32 bits", async () => {
    const report = await index(file(...CONFIGURATION, ...frames(2 ** 31 - 1000, 2 ** 31 + 1000)));
    expect(report.durationS).toBeCloseTo(2.02, 1);
    expect(report.findings).toEqual([]);
  });

  test("whose times begin anew in sight plays for both runs", async () => {
    const report = await index(
      file(...CONFIGURATION, ...frames(60_000, 63_000), ...frames(0, 2000)),
    );
    expect(report.durationS).toBeCloseTo(5.03, 1);
    expect(report.findings).toEqual([]);
  });

  test("the rate of frames is that of the timestamps when the metadata contradicts them", async () => {
    const tags = frames(0, 2000);
    const withClaim = (framerate: number): Promise<ContainerReport> =>
      index(
        file(
          flvTag(SCRIPT, 0, onMetaData({ framerate })),
          flvTag(VIDEO, 0, AVC_CONFIGURATION),
          ...tags,
        ),
      );
    expect((await withClaim(24)).video?.fps).toBe(24);
    expect((await withClaim(90)).video?.fps).toBe(25);
  });

  test("that carries only one kind is described by its tags, not by its flags", async () => {
    const onlyAudio = Array.from({ length: 20 }, (_, n) => flvTag(AUDIO, n * 23, AAC_FRAME));
    const report = await index(file(flvTag(AUDIO, 0, AAC_CONFIGURATION), ...onlyAudio));
    expect(report).toMatchObject({ video: null, durationS: 0.46, findings: [] });
  });

  // Data of one audio tag each; the flags are right only where the format does not fix the values.
  test.each([
    ["pcm_alaw", [0x72, 1], 8000, 1],
    ["pcm_mulaw", [0x83, 1], 8000, 2],
    ["speex", [0xb2, 1], 16_000, 1],
    ["nellymoser", [0x5a, 1], 8000, 1],
    ["nellymoser", [0x6a, 1], 22_050, 1],
    ["adpcm_swf", [0x1b, 1], 22_050, 2],
    ["pcm_s16le", [0x3f, 1], 44_100, 2],
    ["pcm_u8", [0x35, 1], 11_025, 2],
    ["mp3", [0x2f, 0xff, 0xf3, 0x80, 0xc4], 22_050, 1],
    ["aac", [0x90, 0x6d, 0x70, 0x34, 0x61, 0x11, 0x90], 48_000, 2],
    [
      "opus",
      [0x90, ...Buffer.from("OpusOpusHead"), 1, 6, 0, 0, 0x80, 0xbb, 0, 0, 0, 0, 0],
      48_000,
      6,
    ],
  ])("audio in %s", async (codec, data, sampleRateHz, channels) => {
    const tag = Uint8Array.from(data);
    const report = await index(file(flvTag(AUDIO, 0, tag), flvTag(AUDIO, 100, tag)));
    expect(report.audio).toEqual({ codec, sampleRateHz, channels });
  });

  test.each([
    ["vp9", [0x90, ...Buffer.from("vp09"), 1, 0, 0, 0]],
    ["av1", [0x91, ...Buffer.from("av01"), 1, 0, 0, 0]],
    ["av1", [0x97, 1, 0, 0, 0x01, ...Buffer.from("av01"), 0, 0, 0]],
    ["flv1", [0x22, 0, 0, 0]],
    ["vp6f", [0x24, 0, 0, 0]],
  ])("video in %s has the size that the metadata tells", async (codec, data) => {
    const frame = flvTag(VIDEO, 0, Uint8Array.from(data));
    const metadata = flvTag(SCRIPT, 0, onMetaData({ width: 640, height: 360, framerate: 30 }));
    expect((await index(file(metadata, frame))).video).toEqual({
      codec,
      width: 640,
      height: 360,
      fps: 30,
    });
    expect(await index(file(frame))).toMatchObject({ video: null });
    expect(kinds(await index(file(frame)))).toContain("not_fully_checked");
  });

  test("whose writer fills StreamID or PreviousTagSize in its own way", async () => {
    const tags = [...CONFIGURATION, ...frames(0, 20_000)].map((tag) => Buffer.from(tag));
    const expected = {
      completeness: "unknown",
      findings: [],
      video: { width: 162 },
      audio: { channels: 2 },
    };
    tags.forEach((tag) => tag.writeUIntBE(1, 8, 3));
    const withStreamId = await index(file(...tags));
    expect(withStreamId).toMatchObject(expected);
    expect(withStreamId.durationS).toBeCloseTo(20.01, 1);
    tags.forEach((tag) => tag.writeUInt32BE(0, tag.length - 4));
    const withoutTrailers = await index(file(...tags));
    expect(withoutTrailers).toMatchObject(expected);
    expect(withoutTrailers.durationS).toBeCloseTo(20.01, 1);
  });
});

describe("a damaged file", () => {
  test.each([
    ["damaged/flv-cut-in-tag.flv", 3.623, "truncated", ["truncated"]],
    ["damaged/flv-cut-between-tags.flv", 3.623, "truncated", ["truncated"]],
    ["damaged/flv-no-duration-cut-in-tag.flv", 3.623, "truncated", ["truncated"]],
    ["damaged/flv-garbage-at-the-end.flv", 6.037, "unknown", ["not_fully_checked"]],
    ["damaged/flv-end-overwritten.flv", 5.596, "unknown", ["damaged"]],
    ["damaged/flv-zeros-at-the-end.flv", 5.596, "unknown", ["damaged"]],
    ["damaged/flv-hole.flv", 6.037, "truncated", ["truncated", "damaged"]],
    ["damaged/flv-zeroed-hole.flv", 6.037, "whole", ["damaged"]],
    ["damaged/flv-header-alone.flv", null, "truncated", ["truncated"]],
    ["damaged/html.flv", null, "unknown", ["damaged"]],
    ["damaged/empty.flv", null, "unknown", ["damaged"]],
  ] as const)("%s lasts %s s and is %s", async (name, durationS, completeness, expected) => {
    expect(mediaFixture(name).damage).not.toBeNull();
    const report = await index(fixture(name));
    expect(report).toMatchObject({ durationS, completeness });
    expect(kinds(report)).toEqual(expected);
  });

  test("that is cut says how much is missing and until when it plays", async () => {
    const [finding] = (await index(fixture("damaged/flv-cut-in-tag.flv"))).findings;
    expect(finding).toEqual({
      kind: "truncated",
      declared: 46_028,
      actual: 27_640,
      detail:
        "The last tag (audio, at byte 27599) is cut off: 42 of its bytes are missing. By its metadata the file has 46028 bytes: 18388 are missing. What is there plays until 3.623 s of the 6.037 s that its metadata tells.",
    });
  });

  test("cut within a header, but not within the last PreviousTagSize: all media is there", async () => {
    const sound = file(...CONFIGURATION, ...frames(0, 2000));
    for (const missing of [1, 4]) {
      expect((await index(sound.subarray(0, -missing))).findings).toMatchObject([
        { kind: "not_fully_checked", declared: sound.length - 4, actual: sound.length - missing },
      ]);
    }
    expect((await index(sound.subarray(0, -5))).completeness).toBe("truncated");
    const inHeader = Buffer.concat([sound, Buffer.from([9, 0, 1])]);
    expect((await index(inHeader)).findings).toMatchObject([
      { kind: "truncated", declared: sound.length + 15, actual: sound.length + 3 },
    ]);
  });

  test.each([
    ["a line end", Buffer.from("\r\n")],
    ["zeros", Buffer.alloc(4096)],
    ["what a server appends", Buffer.from("GARBAGE".repeat(100))],
  ])("%s behind the last tag harms nobody", async (_name, trailer) => {
    const sound = file(...CONFIGURATION, ...frames(0, 2000));
    for (const middle of [sound, file(...CONFIGURATION, ...frames(0, 20_000))]) {
      expect((await index(Buffer.concat([middle, trailer]))).findings).toMatchObject([
        {
          kind: "not_fully_checked",
          declared: middle.length,
          actual: middle.length + trailer.length,
        },
      ]);
    }
    const long = Buffer.concat([sound, Buffer.alloc(5000)]);
    expect(kinds(await index(long))).toEqual(["damaged"]);
  });

  test("garbage right behind the header", async () => {
    const tags = [...CONFIGURATION, ...frames(0, 2000)];
    const report = await index(file(Buffer.alloc(300, 0x61), ...tags));
    expect(report).toMatchObject({ video: { width: 162 }, audio: { channels: 2 } });
    expect(report.findings).toMatchObject([
      { kind: "damaged", actual: 13, detail: expect.stringContaining("300 bytes") },
    ]);
    expect(kinds(await index(file(Buffer.alloc(2_000_000, 0x61))))).toEqual(["damaged", "damaged"]);
  });

  test("metadata that tells far more time than the tags is a doubt, not an accusation", async () => {
    const metadata = flvTag(SCRIPT, 0, onMetaData({ duration: 60 }));
    const report = await index(file(metadata, ...CONFIGURATION, ...frames(0, 2000)));
    expect(report.completeness).toBe("unknown");
    expect(report.findings).toMatchObject([{ kind: "not_fully_checked", declared: 60 }]);
  });

  test("a wrong PreviousTagSize alone is none", async () => {
    const tags = [...CONFIGURATION, ...frames(0, 2000)].map((tag) => Buffer.from(tag));
    tags[20]?.writeUInt32BE(7, tags[20].length - 4);
    expect((await index(file(...tags))).findings).toEqual([]);
  });
});
