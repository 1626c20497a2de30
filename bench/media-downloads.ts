import { rm } from "node:fs/promises";
import { join } from "node:path";
import { benchDamagedHls } from "./media-download-damaged.ts";
import { type DownloadBench, benchFileDownloads } from "./media-download-file.ts";
import { benchHlsDownloads } from "./media-download-hls.ts";
import { benchKilledDownloads } from "./media-download-killed.ts";
import { benchS3Download } from "./media-download-s3.ts";
import { startOriginProcess } from "./media-origin-process.ts";
import { versionOf } from "./media-tools.ts";
import { machine, writeSection } from "./results-file.ts";

/** What can be measured by itself. */
export const DOWNLOAD_PARTS = ["file", "hls", "damaged", "killed", "s3"] as const;
export type DownloadPart = (typeof DOWNLOAD_PARTS)[number];

export interface DownloadsBenchOptions {
  folder: string;
  rounds: number;
  /** All sizes are divided by it. Above 1 the figures are printed, and not written. */
  scale: number;
  note: string | null;
  parts: readonly DownloadPart[];
}

const HLS_LATENCY_MS = 30;

/** Downloads generated recordings, beside curl and ffmpeg, and writes what it took. */
export async function benchDownloads(options: DownloadsBenchOptions): Promise<void> {
  const outFolder = join(options.folder, "downloaded");
  const bench: DownloadBench = { ...options, outFolder };
  const write = async (title: string, text: string): Promise<void> => {
    const section = `${head(options, await versions())}\n${text}`;
    if (options.scale === 1) await writeSection(title, section);
    else console.log(`\n## ${title}\n\n${section}\n`);
  };
  try {
    for (const part of options.parts) {
      await benchPart(part, bench, write);
    }
  } finally {
    await rm(outFolder, { recursive: true, force: true });
  }
}

async function benchPart(
  part: DownloadPart,
  bench: DownloadBench,
  write: (title: string, text: string) => Promise<void>,
): Promise<void> {
  switch (part) {
    case "file": {
      await using origin = await startOriginProcess({ root: bench.folder });
      await write("Downloading a file", await benchFileDownloads(bench, origin));
      return;
    }
    case "hls": {
      await using origin = await startOriginProcess({
        root: bench.folder,
        latencyMs: HLS_LATENCY_MS,
      });
      await write("Downloading HLS", await benchHlsDownloads(bench, origin, HLS_LATENCY_MS));
      return;
    }
    case "damaged": {
      await using origin = await startOriginProcess({ root: bench.folder });
      await write("Downloading damaged HLS", await benchDamagedHls(bench, origin));
      return;
    }
    case "killed":
      await write("Downloads that are killed", await benchKilledDownloads(bench));
      return;
    case "s3": {
      await using origin = await startOriginProcess({ root: bench.folder });
      await write("Downloading to S3", await benchS3Download(bench, origin));
      return;
    }
    default:
      part satisfies never;
  }
}

async function versions(): Promise<string> {
  const tools = ["curl", "ffmpeg", "yt-dlp"] as const;
  const all = await Promise.all(
    tools.map(async (tool) => `${tool} ${(await versionOf(tool)) ?? "not installed"}`),
  );
  return all.join(", ");
}

function head({ rounds, note, scale }: DownloadsBenchOptions, tools: string): string {
  const scaled = scale === 1 ? "" : ` --scale ${scale}`;
  return `\`npm run bench -- media --rounds ${rounds}${scaled}\`, ${new Date().toISOString().slice(0, 10)}, ${tools}, ${machine()}.${note === null ? "" : ` ${note}`}`;
}
