import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import {
  MEDIA_FIXTURES,
  MEDIA_FIXTURES_FOLDER,
  fixturePath,
  mediaFixture,
  parseFfprobeAnswer,
} from "./media-fixtures.ts";

test("the index has what is in the folder, and nothing else", () => {
  const probed = readdirSync(MEDIA_FIXTURES_FOLDER, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ffprobe.json"))
    .map((path) => path.replaceAll("\\", "/").replace(/\.ffprobe\.json$/, ""));
  expect(MEDIA_FIXTURES.map(({ path }) => path).toSorted()).toEqual(probed.toSorted());
  expect(MEDIA_FIXTURES.filter(({ name }) => !existsSync(fixturePath(name)))).toEqual([]);
});

test("every playable file in the folder was shown to ffprobe", () => {
  const unknown = ["mp4", "flv", "aac"].flatMap((folder) =>
    readdirSync(join(MEDIA_FIXTURES_FOLDER, folder)).filter(
      (name) =>
        !name.endsWith(".json") && !MEDIA_FIXTURES.some(({ path }) => path === `${folder}/${name}`),
    ),
  );
  expect(unknown).toEqual([]);
});

test("ffprobe's answers are read as numbers", () => {
  expect(mediaFixture("mp4/ntsc.mp4")).toMatchObject({
    format: "mp4",
    damage: null,
    ffprobe: {
      exitCode: 0,
      durationS: 4.004,
      video: { codec: "h264", width: 160, height: 90, fps: 30_000 / 1001 },
      audio: null,
    },
  });
  expect(mediaFixture("hls/ts")).toMatchObject({
    format: "hls",
    path: "hls/ts/index.m3u8",
    ffprobe: { durationS: 12, audio: { codec: "aac", sampleRateHz: 44_100, channels: 1 } },
  });
});

test("what ffprobe does not know is null", () => {
  expect(mediaFixture("damaged/empty.mp4").ffprobe).toMatchObject({
    exitCode: 1,
    durationS: null,
    video: null,
    audio: null,
  });
  const streams = [{ codec_type: "video", avg_frame_rate: "0/0" }];
  expect(parseFfprobeAnswer({ exitCode: 0, stderr: "", format: null, streams }).video).toEqual({
    codec: null,
    width: 0,
    height: 0,
    fps: null,
  });
});

test("a damaged file says what its damage is", () => {
  const damaged = MEDIA_FIXTURES.filter(({ name }) => name.startsWith("damaged/"));
  expect(damaged.length).toBeGreaterThan(50);
  expect(damaged.filter(({ damage }) => damage === null)).toEqual([]);
});
