import { execFile } from "node:child_process";
import { mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** One generated recording. */
export interface MediaSample {
  title: string;
  /** Relative to the folder of the samples. */
  path: string;
  format: "mp4" | "flv" | "hls" | "aac";
  durationS: number;
  /** Of HLS, the playlist and all segments. */
  sizeBytes: number;
}

interface Length {
  name: string;
  durationS: number;
  /** Video, so that with 128 kb/s of audio the size comes out. */
  videoKbps: number;
}

const LENGTHS: readonly Length[] = [
  { name: "5 min", durationS: 300, videoKbps: 1_190 },
  { name: "1 h", durationS: 3_600, videoKbps: 970 },
];

const KINDS: readonly Pick<MediaSample, "title" | "path" | "format">[] = [
  { title: "MP4, moov first", path: "faststart.mp4", format: "mp4" },
  { title: "MP4, moov last", path: "moov-last.mp4", format: "mp4" },
  { title: "MP4, fragmented", path: "fragmented.mp4", format: "mp4" },
  { title: "FLV", path: "recording.flv", format: "flv" },
  { title: "HLS, TS", path: "hls/index.m3u8", format: "hls" },
  { title: "AAC", path: "recording.aac", format: "aac" },
];

const OPTIONS: Readonly<Record<string, readonly string[]>> = {
  "faststart.mp4": ["-movflags", "+faststart"],
  "moov-last.mp4": [],
  "fragmented.mp4": ["-movflags", "+frag_keyframe+empty_moov"],
  "recording.flv": [],
  "hls/index.m3u8": [
    "-f",
    "hls",
    "-hls_time",
    "4",
    "-hls_list_size",
    "0",
    "-hls_playlist_type",
    "vod",
  ],
  "recording.aac": ["-vn"],
};

/** @throws Error that says what to install. */
export async function toolVersion(name: "ffmpeg" | "ffprobe"): Promise<string> {
  const { stdout } = await run(name, ["-version"]).catch(() => {
    throw new Error(
      `${name} is not on PATH. The samples are made with ffmpeg, and ffprobe is what is measured against.`,
    );
  });
  return / version (\S+)/.exec(stdout)?.[1] ?? "?";
}

/**
 * Makes the samples that are not there yet: 16 s of 720p25 H.264 and AAC are encoded for each length, repeated and
 * copied into every format.
 */
export async function makeSamples(
  folder: string,
  onProgress: (what: string) => void,
): Promise<MediaSample[]> {
  const samples: MediaSample[] = [];
  for (const length of LENGTHS) {
    const name = `${length.durationS}s`;
    const piece = join(folder, `${name}-piece.mp4`);
    for (const kind of KINDS) {
      const path = `${name}/${kind.path}`;
      const file = join(folder, path);
      if ((await sizeOf(file)) === 0) {
        if ((await sizeOf(piece)) === 0) {
          onProgress(`encode ${length.name}`);
          await encodePiece(piece, length);
        }
        onProgress(`make ${path}`);
        await makeSample(piece, file, length.durationS, OPTIONS[kind.path] ?? []);
      }
      samples.push({
        ...kind,
        title: `${kind.title}, ${length.name}`,
        path,
        durationS: length.durationS,
        sizeBytes: kind.format === "hls" ? await folderSize(dirname(file)) : await sizeOf(file),
      });
    }
  }
  return samples;
}

/** 16 s of 720p25 H.264 and 48 kHz stereo AAC. */
export async function encodePiece(
  file: string,
  { videoKbps, gopFrames = 50 }: { videoKbps: number; gopFrames?: number },
): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const rate = `${videoKbps}k`;
  // 16 s are 750 frames of AAC exactly, so that repeating it leaves no gap.
  const sources =
    "-f lavfi -i testsrc2=size=1280x720:rate=25:duration=16,noise=alls=20:allf=t -f lavfi -i anoisesrc=sample_rate=48000:duration=16:seed=1";
  const video = `-c:v libx264 -preset veryfast -g ${gopFrames} -bf 0 -pix_fmt yuv420p -b:v ${rate} -minrate ${rate} -maxrate ${rate} -bufsize ${rate}`;
  const audio = "-c:a aac -b:a 128k -ac 2 -frames:a 750";
  await ffmpeg(file, `${sources} ${video} ${audio}`.split(" "));
}

async function makeSample(
  piece: string,
  file: string,
  durationS: number,
  options: readonly string[],
): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const repeated = ["-stream_loop", "-1", "-i", piece, "-t", String(durationS), "-c", "copy"];
  const segments = join(dirname(file), "segment%d.ts");
  const naming = file.endsWith(".m3u8") ? ["-hls_segment_filename", segments] : [];
  await ffmpeg(file, [...repeated, ...options, ...naming]);
}

/** Under a name of its own until it is whole, so that an interrupted run leaves nothing that looks made. */
export async function ffmpeg(file: string, args: readonly string[]): Promise<void> {
  const unfinished = join(dirname(file), `unfinished-${file.slice(dirname(file).length + 1)}`);
  await run(
    "ffmpeg",
    ["-hide_banner", "-loglevel", "error", "-nostdin", "-y", ...args, unfinished],
    {
      maxBuffer: 2 ** 26,
    },
  );
  await rename(unfinished, file);
}

export async function sizeOf(file: string): Promise<number> {
  const facts = await stat(file).catch(() => null);
  return facts?.size ?? 0;
}

export async function folderSize(folder: string): Promise<number> {
  const sizes = await Promise.all(
    (await readdir(folder)).map((name) => sizeOf(join(folder, name))),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** Removes what `makeSamples` made. */
export async function removeSamples(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
}
