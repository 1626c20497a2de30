import { copyFile, link, mkdir, readdir, rm, stat, truncate } from "node:fs/promises";
import { dirname, join } from "node:path";
import { encodePiece, ffmpeg, folderSize, sizeOf } from "./media-samples.ts";

/** A generated recording for downloads. */
export interface DownloadSample {
  /** Relative to the folder of the samples. */
  path: string;
  /** Of HLS, the playlist and all segments. */
  sizeBytes: number;
}

/** Bytes that a second of the repeated piece takes. */
const BYTES_PER_S = 141_400;
const SEGMENT_KBPS = 800;
const TS_PACKET_BYTES = 188;

/** A MP4 file of about this size, moov first. */
export async function makeMp4(folder: string, sizeBytes: number): Promise<DownloadSample> {
  const path = `download/${Math.round(sizeBytes / 1_000)}k.mp4`;
  const file = join(folder, path);
  if ((await sizeOf(file)) === 0) {
    const piece = join(folder, "3600s-piece.mp4");
    if ((await sizeOf(piece)) === 0) await encodePiece(piece, { videoKbps: 970 });
    const seconds = String(Math.ceil(sizeBytes / BYTES_PER_S));
    const repeated = ["-stream_loop", "-1", "-i", piece, "-t", seconds, "-c", "copy"];
    await mkdir(dirname(file), { recursive: true });
    await ffmpeg(file, [...repeated, "-movflags", "+faststart"]);
  }
  return { path, sizeBytes: await sizeOf(file) };
}

/** HLS of so many segments of a second and about 100 KB each. */
export async function makeHls(folder: string, segments: number): Promise<DownloadSample> {
  const path = `download/hls-${segments}/index.m3u8`;
  const file = join(folder, path);
  if ((await sizeOf(file)) === 0) {
    const piece = join(folder, "download/segments-piece.mp4");
    // Of each 800 kbit/s, 128 are audio and about 6 % the packets of TS.
    if ((await sizeOf(piece)) === 0) {
      await encodePiece(piece, { videoKbps: SEGMENT_KBPS * 0.94 - 128, gopFrames: 25 });
    }
    await mkdir(dirname(file), { recursive: true });
    const repeated = ["-stream_loop", "-1", "-i", piece, "-t", String(segments), "-c", "copy"];
    const hls = "-f hls -hls_time 1 -hls_list_size 0 -hls_playlist_type vod".split(" ");
    const naming = ["-hls_segment_filename", join(dirname(file), "segment%d.ts")];
    await ffmpeg(file, [...repeated, ...hls, ...naming]);
  }
  return { path, sizeBytes: await folderSize(dirname(file)) };
}

export interface HlsDamage {
  /** Its folder's name. */
  name: string;
  /** A segment that is not there. */
  missing?: string;
  /** A segment that ends in its middle. */
  cut?: { segment: string; where: "between packets" | "inside a packet" };
}

/** A damaged copy of HLS. Returns the path of its playlist. */
export async function damageHls(
  folder: string,
  sound: string,
  { name: copy, missing, cut }: HlsDamage,
): Promise<string> {
  const path = `download/damaged/${copy}`;
  const [from, to] = [dirname(join(folder, sound)), join(folder, path)];
  await rm(to, { recursive: true, force: true });
  await mkdir(to, { recursive: true });
  for (const name of await readdir(from)) {
    if (name === cut?.segment) {
      await copyFile(join(from, name), join(to, name));
      const { size } = await stat(join(to, name));
      const packets = Math.floor(size / 2 / TS_PACKET_BYTES);
      const rest = cut.where === "inside a packet" ? 100 : 0;
      await truncate(join(to, name), packets * TS_PACKET_BYTES + rest);
    } else if (name !== missing) {
      await link(join(from, name), join(to, name));
    }
  }
  return `${path}/index.m3u8`;
}
