import { mkdir, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { compareFixtures } from "./media-agreement.ts";
import { DOWNLOAD_PARTS, type DownloadPart, benchDownloads } from "./media-downloads.ts";
import { benchLooks } from "./media-look-times.ts";
import { removeSamples, toolVersion } from "./media-samples.ts";
import { writeSection } from "./results-file.ts";

/** What can be measured by itself. */
export type MediaPart = "looks" | "fixtures" | DownloadPart;
export const MEDIA_PARTS: readonly MediaPart[] = ["looks", "fixtures", ...DOWNLOAD_PARTS];

export interface MediaBenchOptions {
  rounds: number;
  /** How fast the origin sends each body that is looked at. */
  megabitsPerSecond: number;
  /** All sizes of downloads are divided by it. */
  scale: number;
  parts: readonly MediaPart[];
  /** Null for a folder of its own, removed at the end. */
  dataDir: string | null;
  /** What the reader has to know about this run. */
  note: string | null;
}

/** Makes recordings, looks at them and downloads them with ours and with others by turns, and writes what it took. */
export async function benchMedia(options: MediaBenchOptions): Promise<void> {
  const folder =
    options.dataDir === null
      ? await mkdtemp(join(tmpdir(), "reelgate-bench-media-"))
      : resolve(options.dataDir);
  await mkdir(folder, { recursive: true });
  try {
    if (options.parts.includes("looks")) await benchLooks({ ...options, folder });
    if (options.parts.includes("fixtures")) await compareAllFixtures();
    const parts = DOWNLOAD_PARTS.filter((part) => options.parts.includes(part));
    await benchDownloads({ ...options, folder, parts });
  } finally {
    if (options.dataDir === null) await removeSamples(folder);
  }
}

async function compareAllFixtures(): Promise<void> {
  const { intact, damaged } = await compareFixtures();
  const today = new Date().toISOString().slice(0, 10);
  const head = `\`npm run bench -- media\`, ${today}, ffprobe ${await toolVersion("ffprobe")}, whose answers are committed beside the files in packages/testkit/media.`;
  await writeSection("Media fixtures: agreement with ffprobe", `${head}\n${intact}`);
  await writeSection("Media fixtures: damage", `${head}\n${damaged}`);
}
