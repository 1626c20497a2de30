import { rm } from "node:fs/promises";
import { join } from "node:path";
import { megabytes, percentile, table } from "./figures.ts";
import { type DownloadBench, cleanSlate, fetchWithUs } from "./media-download-file.ts";
import type { DownloadRun } from "./media-download-process.ts";
import { makeHls } from "./media-download-samples.ts";
import type { OriginProcess } from "./media-origin-process.ts";
import { type ToolRun, runTool } from "./media-tools.ts";

const SEGMENTS = 500;

/** Downloads HLS by turns with ours and with `ffmpeg -c copy`. Markdown. */
export async function benchHlsDownloads(
  bench: DownloadBench,
  origin: OriginProcess,
  latencyMs: number,
): Promise<string> {
  const segments = Math.ceil(SEGMENTS / bench.scale);
  const sample = await makeHls(bench.folder, segments);
  const url = `${origin.url}/${sample.path}`;
  const ours: DownloadRun[] = [];
  const theirs: ToolRun[] = [];
  for (let round = -1; round < bench.rounds; round++) {
    const run = await fetchWithUs(bench, url);
    await cleanSlate(bench);
    const copy = await copyWithFfmpeg(url, join(bench.outFolder, "ffmpeg.mp4"));
    if (copy.exitCode !== 0) throw new Error(`ffmpeg: ${copy.stderr}`);
    if (round >= 0) {
      ours.push(run);
      theirs.push(copy);
    }
    console.log(
      `HLS, round ${round + 1}: ours ${run.downloadMs.toFixed(0)} ms, ffmpeg ${copy.wallMs.toFixed(0)} ms`,
    );
  }
  const theirMs = theirs.map(({ wallMs }) => wallMs);
  const median = (values: readonly number[]): number => percentile(values, 0.5);
  const row = (who: string, values: readonly number[], peaks: readonly number[]): string[] => [
    who,
    (median(values) / 1_000).toFixed(2),
    `${(Math.min(...values) / 1_000).toFixed(2)} – ${(Math.max(...values) / 1_000).toFixed(2)}`,
    (median(theirMs) / median(values)).toFixed(1),
    (Math.max(...peaks) / 2 ** 20).toFixed(0),
  ];
  const peaks = ours.map(({ peakRssBytes }) => peakRssBytes);
  const phase = (name: keyof DownloadRun["phaseMs"]): string =>
    (median(ours.map(({ phaseMs }) => phaseMs[name])) / 1_000).toFixed(2);
  return `
HLS of ${segments} segments of TS, ${megabytes(sample.sizeBytes)} in all, ${latencyMs} ms before the headers of each answer, by turns. Ours with the default of 8 requests at a time: every segment is checked, hashed, flushed and published as it was served. ffmpeg: \`-i URL -c copy recording.mp4\`, which flushes nothing.

${table(
  ["", "s, median", "s, all", "ffmpeg's time ÷ this", "peak RSS, MiB"],
  [
    row(
      "ours, `downloadMedia`",
      ours.map(({ downloadMs }) => downloadMs),
      peaks,
    ),
    row(
      "ours, the whole process",
      ours.map(({ processMs }) => processMs),
      peaks,
    ),
    row(
      "`ffmpeg -c copy`",
      theirMs,
      theirs.map(({ peakRssBytes }) => peakRssBytes ?? 0),
    ),
  ],
)}

Of our time, median: ${phase("fetching")} s until all segments are there and hashed, ${phase("verifying")} s to look at the copy, ${phase("storing")} s to flush and publish it.`;
}

/** As people save a stream. */
export async function copyWithFfmpeg(url: string, file: string): Promise<ToolRun> {
  await rm(file, { force: true });
  const quiet = ["-hide_banner", "-loglevel", "warning", "-nostdin", "-y"];
  return await runTool("ffmpeg", [...quiet, "-i", url, "-c", "copy", file]);
}
