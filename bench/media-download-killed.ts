import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { megabytes, table } from "./figures.ts";
import { type DownloadBench, cleanSlate } from "./media-download-file.ts";
import { type DownloadRun, downloadInProcess } from "./media-download-process.ts";
import { type DownloadSample, makeHls, makeMp4 } from "./media-download-samples.ts";
import { type OriginProcess, startOriginProcess } from "./media-origin-process.ts";

const KILLS = 10;
const FILE_BYTES = 200_000_000;
const SEGMENTS = 500;
/** So that a kill finds the download where it was meant to, and not at its end. */
const FILE_BYTES_PER_S = 25_000_000;
const SEGMENT_BYTES_PER_S = 1_500_000;

interface Outcome {
  title: string;
  sample: DownloadSample;
  kills: number;
  verdict: string;
  isSame: boolean;
  requests: number;
  sentBytes: number;
}

/** Kills downloads with SIGKILL again and again, and counts what the origin had to send in all. Markdown. */
export async function benchKilledDownloads(bench: DownloadBench): Promise<string> {
  const file = await makeMp4(bench.folder, FILE_BYTES / bench.scale);
  const hls = await makeHls(bench.folder, Math.ceil(SEGMENTS / bench.scale));
  const outcomes = [
    await killAgainAndAgain(bench, "MP4", file, FILE_BYTES_PER_S),
    await killAgainAndAgain(bench, "HLS", hls, SEGMENT_BYTES_PER_S),
  ];
  return `
A download of ours in a process that is killed with SIGKILL ${KILLS} times, evenly over the bytes, and each time begun anew with the same name; the last goes to its end. The origin sends each answer at ${FILE_BYTES_PER_S / 1_000_000} MB/s (of the file) or ${SEGMENT_BYTES_PER_S / 1_000_000} MB/s (of each segment). "Fetched twice" is all that the origin sent, in pieces of 16 KiB, beyond the size of the recording: also the first 64 KiB that each process reads to see what it has before it, and the playlist, again each time.

${table(
  ["", "size", "killed", "in the end", "bytes of the copy", "requests", "sent", "fetched twice"],
  outcomes.map(({ title, sample, kills, verdict, isSame, requests, sentBytes }) => [
    title,
    megabytes(sample.sizeBytes),
    `${kills} times`,
    verdict,
    isSame ? "SHA-256 is right" : "**DIFFERENT**",
    String(requests),
    `${(sentBytes / 1_000_000).toFixed(2)} MB`,
    `${((sentBytes / sample.sizeBytes - 1) * 100).toFixed(2)} %`,
  ]),
)}`;
}

async function killAgainAndAgain(
  bench: DownloadBench,
  title: string,
  sample: DownloadSample,
  bytesPerSecond: number,
): Promise<Outcome> {
  await using origin = await startOriginProcess({ root: bench.folder, bytesPerSecond });
  await cleanSlate(bench);
  let kills = 0;
  for (let turn = 1; turn <= KILLS; turn += 1) {
    const run = await oneProcess(bench, origin, sample, (sample.sizeBytes / (KILLS + 1)) * turn);
    if (run === null) kills += 1;
    console.log(`killed, ${title}: ${kills} of ${KILLS}`);
  }
  const last = await oneProcess(bench, origin, sample, Number.MAX_SAFE_INTEGER);
  const { requests, sentBytes } = await origin.totals();
  const isSame = await isSameRecording(join(bench.folder, sample.path), bench.outFolder, last);
  return {
    title,
    sample,
    kills,
    verdict: last?.verdict ?? "killed",
    isSame,
    requests,
    sentBytes,
  };
}

async function oneProcess(
  { outFolder }: DownloadBench,
  origin: OriginProcess,
  { path }: DownloadSample,
  killAtBytes: number,
): Promise<DownloadRun | null> {
  return await downloadInProcess({
    url: `${origin.url}/${path}`,
    storage: pathToFileURL(outFolder).href,
    workFolder: outFolder,
    name: "killed",
    killAtBytes,
  });
}

/** A file by its hash, and the one told; HLS segment by segment, in the order of their numbers. */
async function isSameRecording(
  served: string,
  outFolder: string,
  run: DownloadRun | null,
): Promise<boolean> {
  if (!served.endsWith(".m3u8")) {
    const hash = await sha256([served]);
    return hash === run?.sha256 && hash === (await sha256([join(outFolder, "killed.mp4")]));
  }
  const original = await segmentsIn(dirname(served));
  const copied = await segmentsIn(join(outFolder, "killed"));
  return original.length === copied.length && (await sha256(original)) === (await sha256(copied));
}

async function segmentsIn(folder: string): Promise<string[]> {
  const number = (name: string): number => Number(/\d+/.exec(name)?.[0]);
  const names = (await readdir(folder)).filter((name) => name.endsWith(".ts"));
  return names.toSorted((a, b) => number(a) - number(b)).map((name) => join(folder, name));
}

/** Of files one after the other, with a mark between them, so that no byte can move to the next. */
async function sha256(files: readonly string[]): Promise<string> {
  const hash = createHash("sha256");
  for (const file of files) {
    for await (const bytes of createReadStream(file)) hash.update(bytes as Buffer);
    if (files.length > 1) hash.update("|");
  }
  return hash.digest("hex");
}
