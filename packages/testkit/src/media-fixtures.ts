import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DAMAGED_FIXTURES, INTACT_FIXTURES } from "./media-fixture-names.ts";

export type MediaFixtureName = (typeof INTACT_FIXTURES)[number] | keyof typeof DAMAGED_FIXTURES;
export type MediaFixtureFormat = "mp4" | "flv" | "hls" | "aac";

/** What ffprobe says of a file. It is not always right: see docs/media.md. */
export interface FfprobeFacts {
  /** Null: it gave no answer within 20 s. */
  exitCode: number | null;
  /** Up to twenty lines. */
  stderr: string;
  /** Of the container; null where ffprobe knows none. */
  durationS: number | null;
  /** The first stream of its kind. `codec` is null where ffprobe does not know it; then the size is 0 × 0. */
  video: { codec: string | null; width: number; height: number; fps: number | null } | null;
  audio: { codec: string | null; sampleRateHz: number; channels: number } | null;
}

export interface MediaFixture {
  name: MediaFixtureName;
  /** Relative to the folder of the fixtures: append it to the URL of an origin with that root. */
  path: string;
  /** What a callback would declare. */
  format: MediaFixtureFormat;
  /** Null for a sound file. */
  damage: string | null;
  ffprobe: FfprobeFacts;
}

export const MEDIA_FIXTURES_FOLDER: string = join(import.meta.dirname, "../media");

/** All of them, the sound ones first. */
export const MEDIA_FIXTURES: readonly MediaFixture[] = [
  ...INTACT_FIXTURES.map((name) => describeFixture(name, null)),
  ...Object.entries(DAMAGED_FIXTURES).map(([name, damage]) =>
    describeFixture(name as MediaFixtureName, damage),
  ),
];

export function mediaFixture(name: MediaFixtureName): MediaFixture {
  const fixture = MEDIA_FIXTURES.find((candidate) => candidate.name === name);
  if (fixture === undefined) {
    throw new Error(`There is no media fixture ${name}.`);
  }
  return fixture;
}

/** The absolute path of a fixture; of HLS, of its playlist. */
export function fixturePath(name: MediaFixtureName): string {
  return join(MEDIA_FIXTURES_FOLDER, relativePath(name));
}

function relativePath(name: MediaFixtureName): string {
  return /\.\w+$/.test(name) ? name : `${name}/index.m3u8`;
}

function describeFixture(name: MediaFixtureName, damage: string | null): MediaFixture {
  const path = relativePath(name);
  return { name, path, format: formatOf(path), damage, ffprobe: readFacts(path) };
}

function formatOf(path: string): MediaFixtureFormat {
  switch (path.slice(path.lastIndexOf(".") + 1)) {
    case "flv":
      return "flv";
    case "aac":
      return "aac";
    case "m3u8":
      return "hls";
    default:
      return "mp4";
  }
}

/** The parts of ffprobe's answer that are used here. It writes most numbers as text. */
interface FfprobeAnswer {
  exitCode: number | null;
  stderr: string;
  format: { duration?: string } | null;
  streams: {
    codec_type?: string;
    codec_name?: string;
    width?: number;
    height?: number;
    avg_frame_rate?: string;
    r_frame_rate?: string;
    sample_rate?: string;
    channels?: number;
  }[];
}

function readFacts(path: string): FfprobeFacts {
  const text = readFileSync(join(MEDIA_FIXTURES_FOLDER, `${path}.ffprobe.json`), "utf8");
  return parseFfprobeAnswer(JSON.parse(text) as FfprobeAnswer);
}

/** Takes the facts from what `ffprobe -show_format -show_streams -of json` wrote, with its exit code and messages. */
export function parseFfprobeAnswer(answer: FfprobeAnswer): FfprobeFacts {
  const { exitCode, stderr, format, streams } = answer;
  const video = streams.find(({ codec_type }) => codec_type === "video");
  const audio = streams.find(({ codec_type }) => codec_type === "audio");
  return {
    exitCode,
    stderr,
    durationS: format?.duration === undefined ? null : Number(format.duration),
    video:
      video === undefined
        ? null
        : {
            codec: video.codec_name ?? null,
            width: video.width ?? 0,
            height: video.height ?? 0,
            fps: quotient(video.avg_frame_rate) ?? quotient(video.r_frame_rate),
          },
    audio:
      audio === undefined
        ? null
        : {
            codec: audio.codec_name ?? null,
            sampleRateHz: Number(audio.sample_rate),
            channels: audio.channels ?? 0,
          },
  };
}

/** `30000/1001` as a number; null for `0/0`. */
function quotient(text: string | undefined): number | null {
  const [numerator, denominator] = (text ?? "0/0").split("/").map(Number);
  const value = (numerator ?? 0) / (denominator ?? 0);
  return Number.isFinite(value) && value > 0 ? value : null;
}
