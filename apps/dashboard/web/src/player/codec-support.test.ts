import { expect, test } from "vitest";
import type { Media } from "@reelgate/shared/contract/media";
import { unplayableCodecs } from "./codec-support.ts";

const media = (video: string | null, audio: string | null): Media => ({
  container: "mp4",
  durationS: 1,
  durationIsExact: true,
  sizeBytes: 1,
  bitrateKbps: 1,
  video: video === null ? null : { codec: video, width: 1, height: 1, fps: 1 },
  audio: audio === null ? null : { codec: audio, sampleRateHz: 1, channels: 1 },
  hls: null,
});

test("names what the browser does not play, and leaves unknown codecs to the player", () => {
  const noHevc = (type: string): boolean => !type.includes("hvc1");
  expect(unplayableCodecs(media("hevc", "aac"), noHevc)).toEqual(["hevc"]);
  expect(unplayableCodecs(media("h264", "aac"), noHevc)).toEqual([]);
  expect(unplayableCodecs(media("h264", "aac"), () => false)).toEqual(["h264", "aac"]);
  expect(unplayableCodecs(media("vvc", null), () => false)).toEqual([]);
  expect(unplayableCodecs(null, () => false)).toEqual([]);
});
