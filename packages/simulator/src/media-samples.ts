import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { AudioTrack, FileFormat, VideoTrack } from "@reelgate/shared/contract/media";

/** One file to serve. */
export interface SampleFile {
  bytes: Buffer;
  contentType: string;
  /** A strong validator with its quotes. */
  etag: string;
}

export interface HlsSample {
  playlist: SampleFile;
  /** The playlist of a recording that was cut: its last segment and the end marker are not there. */
  cutPlaylist: SampleFile;
  segments: ReadonlyMap<string, SampleFile>;
  lastSegmentName: string;
}

/** The sample recordings, six seconds each, one per format of the provider. */
export interface MediaSamples {
  flv: SampleFile;
  mp4: SampleFile;
  aac: SampleFile;
  hls: HlsSample;
}

/** Length of every sample in seconds (ffprobe: 5.99 to 6.02). */
export const SAMPLE_DURATION_S = 6;
/** The tracks of every sample, as ffprobe names them; AAC has the sound alone. */
export const SAMPLE_VIDEO: VideoTrack = { codec: "h264", width: 160, height: 90, fps: 25 };
export const SAMPLE_AUDIO: AudioTrack = { codec: "aac", sampleRateHz: 44_100, channels: 1 };

const MEDIA_FOLDER = new URL("../media/", import.meta.url);

export function sampleFile(bytes: Buffer, contentType: string): SampleFile {
  const digest = createHash("sha256").update(bytes).digest("hex").slice(0, 32);
  return { bytes, contentType, etag: `"${digest}"` };
}

async function load(name: string, contentType: string): Promise<SampleFile> {
  return sampleFile(await readFile(new URL(name, MEDIA_FOLDER)), contentType);
}

async function loadHls(): Promise<HlsSample> {
  const playlist = await load("hls/sample.m3u8", "application/vnd.apple.mpegurl");
  const lines = playlist.bytes.toString("utf8").split("\n");
  const names = lines.filter((line) => line !== "" && !line.startsWith("#"));
  const lastSegmentName = names.at(-1) ?? "";
  const cut = lines.slice(0, lines.indexOf(lastSegmentName) - 1).join("\n");
  const segments = new Map<string, SampleFile>();
  for (const name of names) {
    segments.set(name, await load(`hls/${name}`, "video/mp2t"));
  }
  return {
    playlist,
    cutPlaylist: sampleFile(Buffer.from(`${cut}\n`), playlist.contentType),
    segments,
    lastSegmentName,
  };
}

export async function loadMediaSamples(): Promise<MediaSamples> {
  const [flv, mp4, aac, hls] = await Promise.all([
    load("sample.flv", "video/x-flv"),
    load("sample.mp4", "video/mp4"),
    load("sample.aac", "audio/aac"),
    loadHls(),
  ]);
  return { flv, mp4, aac, hls };
}

/** The size in bytes that a truthful callback declares: of HLS, the segments together. */
export function sampleSizeBytes(samples: MediaSamples, format: FileFormat): number {
  if (format !== "hls") {
    return samples[format].bytes.length;
  }
  let total = 0;
  for (const segment of samples.hls.segments.values()) {
    total += segment.bytes.length;
  }
  return total;
}
