import { rm } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { megabytes, percentile, table } from "./figures.ts";
import { type DownloadRun, downloadInProcess } from "./media-download-process.ts";
import { type DownloadSample, makeMp4 } from "./media-download-samples.ts";
import { type OriginProcess, startOriginProcess } from "./media-origin-process.ts";
import { runTool } from "./media-tools.ts";

export interface DownloadBench {
  /** Of the samples, which the origin serves. */
  folder: string;
  /** Where copies go: the same disk. Emptied before each download. */
  outFolder: string;
  rounds: number;
  /** All sizes are divided by it. */
  scale: number;
}

/** Sizes whose peak of memory is compared. */
const SIZES_BYTES = [100_000_000, 500_000_000, 2_000_000_000] as const;
const COMPARED_BYTES = 500_000_000;
/**
 * A smaller young generation. Every read of a socket is a buffer of 64 KiB, which lives until V8 next clears that
 * generation: of up to 16 MiB for the objects alone, by default.
 */
const SMALL_HEAP = "--max-semi-space-size=2";
const GIGABIT_BYTES_PER_S = 125_000_000;

interface Figures {
  wallMs: number[];
  peakRssBytes: number[];
}

/** Downloads one file by turns with ours and with curl, then files of other sizes for the memory. Markdown. */
export async function benchFileDownloads(
  bench: DownloadBench,
  origin: OriginProcess,
): Promise<string> {
  const sample = await makeMp4(bench.folder, COMPARED_BYTES / bench.scale);
  const url = `${origin.url}/${sample.path}`;
  const ours: DownloadRun[] = [];
  const small: DownloadRun[] = [];
  const curl: Figures = { wallMs: [], peakRssBytes: [] };
  const curlFlushed: Figures = { wallMs: [], peakRssBytes: [] };
  // The first round brings the file into the system's cache, and is not counted.
  for (let round = -1; round < bench.rounds; round++) {
    const run = await fetchWithUs(bench, url);
    const smallRun = await fetchWithUs(bench, url, [SMALL_HEAP]);
    const plain = await fetchWithCurl(bench, url, false);
    const flushed = await fetchWithCurl(bench, url, true);
    if (round >= 0) {
      ours.push(run);
      small.push(smallRun);
      append(curl, plain);
      append(curlFlushed, flushed);
    }
    console.log(
      `file, round ${round + 1}: ours ${run.downloadMs.toFixed(0)} ms, curl ${plain.wallMs.toFixed(0)} ms, curl + sync + sha256sum ${flushed.wallMs.toFixed(0)} ms`,
    );
  }
  const memory = [
    ...(await measureMemory(bench, origin, [])),
    ...(await measureMemory(bench, origin, [SMALL_HEAP])),
  ];
  const gigabit = await compareAtGigabit(bench, sample);
  return report(sample, { ours, small, curl, curlFlushed }, memory, gigabit);
}

function append(to: Figures, run: { wallMs: number; peakRssBytes: number | null }): void {
  to.wallMs.push(run.wallMs);
  if (run.peakRssBytes !== null) to.peakRssBytes.push(run.peakRssBytes);
}

/** Nothing is waiting to be written when a download begins: else one would pay for the one before. */
export async function cleanSlate(bench: DownloadBench): Promise<void> {
  await rm(bench.outFolder, { recursive: true, force: true });
  await runTool("mkdir", ["-p", bench.outFolder]);
  await runTool("sync", []);
}

export async function fetchWithUs(
  bench: DownloadBench,
  url: string,
  nodeFlags: readonly string[] = [],
): Promise<DownloadRun> {
  await cleanSlate(bench);
  const run = await downloadInProcess({
    url,
    storage: pathToFileURL(bench.outFolder).href,
    workFolder: bench.outFolder,
    name: "bench/recording",
    nodeFlags,
  });
  if (run?.verdict !== "stored") {
    throw new Error(`not stored: ${run?.verdict ?? "killed"} ${run?.findings.join(" ") ?? ""}`);
  }
  return run;
}

async function fetchWithCurl(
  bench: DownloadBench,
  url: string,
  isFlushed: boolean,
): Promise<{ wallMs: number; peakRssBytes: number | null }> {
  await cleanSlate(bench);
  const file = join(bench.outFolder, "curl.mp4");
  const run = isFlushed
    ? await runTool("sh", [
        "-c",
        'curl -sf -o "$1" "$2" && sync "$1" && sha256sum "$1"',
        "sh",
        file,
        url,
      ])
    : await runTool("curl", ["-sf", "-o", file, url]);
  if (run.exitCode !== 0) throw new Error(`curl ended with ${run.exitCode ?? "?"}: ${run.stderr}`);
  return run;
}

/** Where the network is the bound, as it is between machines. Milliseconds by turns. */
async function compareAtGigabit(
  bench: DownloadBench,
  { path }: DownloadSample,
): Promise<{ ours: number[]; curl: number[] }> {
  await using origin = await startOriginProcess({
    root: bench.folder,
    bytesPerSecond: GIGABIT_BYTES_PER_S,
  });
  const times: { ours: number[]; curl: number[] } = { ours: [], curl: [] };
  for (let round = 0; round < Math.min(3, bench.rounds); round++) {
    times.ours.push((await fetchWithUs(bench, `${origin.url}/${path}`)).downloadMs);
    times.curl.push((await fetchWithCurl(bench, `${origin.url}/${path}`, false)).wallMs);
    console.log(`1 Gbit/s, round ${round + 1}: done`);
  }
  return times;
}

interface Memory {
  nodeFlags: readonly string[];
  sample: DownloadSample;
  peaks: number[];
  downloadMs: number[];
}

async function measureMemory(
  bench: DownloadBench,
  origin: OriginProcess,
  nodeFlags: readonly string[],
): Promise<Memory[]> {
  const memory: Memory[] = [];
  for (const sizeBytes of SIZES_BYTES) {
    const sample = await makeMp4(bench.folder, sizeBytes / bench.scale);
    const runs: DownloadRun[] = [];
    while (runs.length < Math.min(3, bench.rounds)) {
      runs.push(await fetchWithUs(bench, `${origin.url}/${sample.path}`, nodeFlags));
    }
    memory.push({
      nodeFlags,
      sample,
      peaks: runs.map(({ peakRssBytes }) => peakRssBytes),
      downloadMs: runs.map(({ downloadMs }) => downloadMs),
    });
    console.log(`memory, ${megabytes(sizeBytes)} ${nodeFlags.join(" ")}: done`);
  }
  return memory;
}

const median = (values: readonly number[]): number => percentile(values, 0.5);
const mebibytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(0);

interface Sides {
  ours: readonly DownloadRun[];
  /** With a small young generation. */
  small: readonly DownloadRun[];
  curl: Figures;
  curlFlushed: Figures;
}

function report(
  sample: DownloadSample,
  { ours, small, curl, curlFlushed }: Sides,
  memory: readonly Memory[],
  gigabit: { ours: readonly number[]; curl: readonly number[] },
): string {
  const rate = (ms: number): number => sample.sizeBytes / 1_000 / ms;
  const plain = median(curl.wallMs);
  const row = (
    who: string,
    values: readonly number[],
    peaks: readonly number[],
  ): readonly string[] => [
    who,
    (median(values) / 1_000).toFixed(2),
    `${(Math.min(...values) / 1_000).toFixed(2)} – ${(Math.max(...values) / 1_000).toFixed(2)}`,
    rate(median(values)).toFixed(0),
    (plain / median(values)).toFixed(2),
    peaks.length === 0 ? "–" : mebibytes(Math.max(...peaks)),
  ];
  const phase = (name: keyof DownloadRun["phaseMs"]): string =>
    (median(ours.map(({ phaseMs }) => phaseMs[name])) / 1_000).toFixed(2);
  const peaks = ours.map(({ peakRssBytes }) => peakRssBytes);
  return `
One MP4 file of ${megabytes(sample.sizeBytes)}, from the origin at full speed and without added latency, to the same disk, by turns. Everything is flushed (\`sync\`) and earlier copies are removed before each download. Our time is that of the call of \`downloadMedia\`: it hashes with SHA-256, flushes every 32 MiB and at the end, looks at the whole copy, and publishes it durably. \`curl -o\` does none of this: when it ends, most of its bytes are on no disk. So the last line gives curl the same duties but for the look: \`curl && sync FILE && sha256sum\`. The origin is a process of its own, but with two CPUs it takes time from both sides.

${table(
  ["", "s, median", "s, all", "MB/s", "speed ÷ curl -o", "peak RSS, MiB"],
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
      `ours, \`node ${SMALL_HEAP}\`, as the worker and \`npm run media\` run`,
      small.map(({ downloadMs }) => downloadMs),
      small.map(({ peakRssBytes }) => peakRssBytes),
    ),
    row("`curl -s -o`", curl.wallMs, curl.peakRssBytes),
    row("`curl` + `sync` + `sha256sum`", curlFlushed.wallMs, []),
  ],
)}

Of our time, median: ${phase("fetching")} s until the file is there, hashed and flushed, ${phase("verifying")} s to look at it, ${phase("storing")} s to publish it.

From an origin that sends at 1 Gbit/s (${GIGABIT_BYTES_PER_S / 1_000_000} MB/s), median of ${gigabit.ours.length} by turns: ours ${(median(gigabit.ours) / 1_000).toFixed(2)} s, \`curl -s -o\` ${(median(gigabit.curl) / 1_000).toFixed(2)} s: ${(median(gigabit.curl) / median(gigabit.ours)).toFixed(2)} of curl's speed.

Memory (VmHWM of a fresh process), with the defaults of Node and with \`${SMALL_HEAP}\`, as the worker and \`npm run media\` run:

${table(
  ["file", "flags of Node", "runs", "peak RSS, MiB: least – most", "MB/s, median"],
  memory.map(({ sample: { sizeBytes }, nodeFlags, peaks: all, downloadMs }) => [
    megabytes(sizeBytes),
    nodeFlags.length === 0 ? "none" : `\`${nodeFlags.join(" ")}\``,
    String(all.length),
    `${mebibytes(Math.min(...all))} – ${mebibytes(Math.max(...all))}`,
    (sizeBytes / 1_000 / median(downloadMs)).toFixed(0),
  ]),
)}`;
}
