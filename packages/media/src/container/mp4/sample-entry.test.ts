import { describe, expect, test } from "vitest";
import {
  AAC_STEREO,
  box,
  esds,
  soundEntry,
  text,
  u16,
  u32,
  u8,
  visualEntry,
} from "../../../test/mp4-boxes.ts";
import { parseSampleDescription } from "./sample-entry.ts";

function description(version: number, ...entries: Buffer[]): Buffer {
  return Buffer.concat([u8(version, 0, 0, 0), u32(entries.length), ...entries]);
}

const video = (...entries: Buffer[]): unknown =>
  parseSampleDescription(description(0, ...entries), "vide", 90_000);
const audio = (entry: Buffer, version = 0): unknown =>
  parseSampleDescription(description(version, entry), "soun", 22_050);

describe("pictures", () => {
  test.each([
    ["avc1", "h264"],
    ["avc3", "h264"],
    ["hvc1", "hevc"],
    ["hev1", "hevc"],
    ["av01", "av1"],
    ["vp09", "vp9"],
    ["ap4h", "ap4h"],
  ])("%s are %s", (type, codec) => {
    expect(video(visualEntry(type, 1920, 1080))).toEqual({
      kind: "video",
      codec,
      width: 1920,
      height: 1080,
    });
  });

  test.each([
    [0x20, "mpeg4"],
    [0x21, "h264"],
    [0x61, "mpeg2video"],
    [0xff, "mpeg4"],
  ])("mp4v of object type %i are %s", (objectType, codec) => {
    const entry = visualEntry("mp4v", 16, 16, esds(objectType, u8(0)));
    expect(video(entry)).toMatchObject({ codec });
  });

  test("encrypted, by the format before the encryption", () => {
    const sinf = box("sinf", box("frma", text("hvc1")), box("schm", u32(0)));
    expect(video(visualEntry("encv", 640, 360, sinf))).toMatchObject({ codec: "hevc" });
  });

  test("in an entry that is too short are not taken from what follows", () => {
    const usable = visualEntry("avc1", 640, 360);
    expect(video(box("avc1", Buffer.alloc(70)), usable)).toMatchObject({ width: 640 });
    expect(video(box("avc1", Buffer.alloc(70)))).toBeNull();
    expect(video()).toBeNull();
    expect(parseSampleDescription(new Uint8Array(), "vide", 1)).toBeNull();
  });
});

describe("sound", () => {
  test("AAC by what its decoder is told, not by the entry", () => {
    const entry = soundEntry("mp4a", { channels: 2, rateHz: 22_050 }, esds(0x40, u8(0x12, 0x08)));
    expect(audio(entry)).toEqual({
      kind: "audio",
      codec: "aac",
      sampleRateHz: 44_100,
      channels: 1,
    });
  });

  test("AAC without it by the entry, and by the timescale where that has no rate", () => {
    expect(audio(soundEntry("mp4a", { channels: 6, rateHz: 48_000 }))).toMatchObject({
      codec: "aac",
      sampleRateHz: 48_000,
      channels: 6,
    });
    expect(audio(soundEntry("mp4a", { channels: 1, rateHz: 0 }))).toMatchObject({
      sampleRateHz: 22_050,
    });
  });

  test("MP3 by its object type", () => {
    const entry = soundEntry("mp4a", { channels: 2, rateHz: 44_100 }, esds(0x6b, Buffer.alloc(0)));
    expect(audio(entry)).toMatchObject({ codec: "mp3", sampleRateHz: 44_100, channels: 2 });
  });

  test("Opus at 48 kHz, with the channels of dOps", () => {
    const dOps = box("dOps", u8(0, 6, 1, 56), u32(44_100), u8(0, 0, 0));
    expect(audio(soundEntry("Opus", { channels: 2, rateHz: 44_100 }, dOps))).toMatchObject({
      codec: "opus",
      sampleRateHz: 48_000,
      channels: 6,
    });
  });

  test("encrypted AAC", () => {
    const sinf = box("sinf", box("frma", text("mp4a")));
    const entry = soundEntry("enca", { channels: 1, rateHz: 1 }, esds(0x40, AAC_STEREO), sinf);
    expect(audio(entry)).toMatchObject({ codec: "aac", sampleRateHz: 44_100, channels: 2 });
  });

  test("of QuickTime, version 1: longer, with its esds inside wave", () => {
    const wave = box("wave", box("frma", text("mp4a")), esds(0x40, AAC_STEREO), u32(8, 0));
    const entry = { channels: 1, rateHz: 8000, version: 1, extension: u32(1024, 1, 2, 2) };
    expect(audio(soundEntry("mp4a", entry, wave))).toMatchObject({
      codec: "aac",
      sampleRateHz: 44_100,
      channels: 2,
    });
  });

  test("of QuickTime, version 2: with numbers of its own", () => {
    const rate = Buffer.alloc(8);
    rate.writeDoubleBE(96_000);
    const extension = Buffer.concat([u32(72), rate, u32(4, 0x7f00_0000, 16, 0, 4, 1)]);
    const entry = { channels: 3, rateHz: 1, version: 2, extension };
    expect(audio(soundEntry("alac", entry))).toMatchObject({
      codec: "alac",
      sampleRateHz: 96_000,
      channels: 4,
    });
  });

  test("of ISO version 1 is no longer than version 0", () => {
    const entry = { channels: 2, rateHz: 1, version: 1 };
    expect(audio(soundEntry("mp4a", entry, esds(0x40, AAC_STEREO)), 1)).toMatchObject({
      sampleRateHz: 44_100,
    });
  });

  test("by other handlers is nothing", () => {
    const body = description(0, soundEntry("mp4a", { channels: 2, rateHz: 44_100 }));
    expect(parseSampleDescription(body, "text", 1)).toBeNull();
    expect(
      parseSampleDescription(Buffer.concat([body.subarray(0, 20), u16(1)]), "soun", 1),
    ).toBeNull();
  });
});
