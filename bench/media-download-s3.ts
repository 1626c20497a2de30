import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { megabytes, percentile } from "./figures.ts";
import { type DownloadBench, cleanSlate } from "./media-download-file.ts";
import { type DownloadRun, downloadInProcess } from "./media-download-process.ts";
import { makeMp4 } from "./media-download-samples.ts";
import type { OriginProcess } from "./media-origin-process.ts";

const SIZE_BYTES = 200_000_000;
const BUCKET = "recordings-1250000000";

/** Downloads a file into an S3 server that keeps what it gets in memory. Markdown. */
export async function benchS3Download(
  bench: DownloadBench,
  origin: OriginProcess,
): Promise<string> {
  const sample = await makeMp4(bench.folder, SIZE_BYTES / bench.scale);
  const runs: DownloadRun[] = [];
  for (let round = -1; round < Math.min(3, bench.rounds); round++) {
    await cleanSlate(bench);
    await using server = await startS3Server();
    const run = await downloadInProcess({
      url: `${origin.url}/${sample.path}`,
      storage: `s3://${BUCKET}?endpoint=${server.url}&region=eu-west-1&path_style=true`,
      workFolder: bench.outFolder,
      name: "bench/recording",
    });
    if (run?.verdict !== "stored") throw new Error(`S3: ${run?.findings.join(" ") ?? "killed"}`);
    if (round >= 0) runs.push(run);
    console.log(`S3, round ${round + 1}: ${run.downloadMs.toFixed(0)} ms`);
  }
  const seconds = (values: readonly number[]): number => percentile(values, 0.5) / 1_000;
  const all = seconds(runs.map(({ downloadMs }) => downloadMs));
  const storing = seconds(runs.map(({ phaseMs }) => phaseMs.storing));
  const rate = (s: number): string => (sample.sizeBytes / 1_000_000 / s).toFixed(0);
  const peak = Math.max(...runs.map(({ peakRssBytes }) => peakRssBytes));
  return `
One MP4 file of ${megabytes(sample.sizeBytes)} from the origin through the disk into fauxqs, a S3 server for tests in a process of its own on the same two CPUs, as a multipart upload; median of ${runs.length}: ${all.toFixed(2)} s in all (${rate(all)} MB/s), of which ${storing.toFixed(2)} s to upload (${rate(storing)} MB/s). Peak RSS of the downloading process ${(peak / 2 ** 20).toFixed(0)} MiB.`;
}

interface S3Server extends AsyncDisposable {
  url: string;
}

async function startS3Server(): Promise<S3Server> {
  // It belongs to the tests of the package, and its exports lead to no program.
  const main = join(import.meta.dirname, "../packages/media/node_modules/fauxqs/dist/server.js");
  const child = spawn(process.execPath, [main], {
    env: { PATH: process.env["PATH"], FAUXQS_PORT: "0", FAUXQS_HOST: "127.0.0.1" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  const url = await new Promise<string>((resolve, reject) => {
    // It logs every request: what is not read would stop it.
    createInterface({ input: child.stdout }).on("line", (line) => {
      const heard = /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0];
      if (heard !== undefined) resolve(heard);
    });
    void exited.then(() => reject(new Error("fauxqs did not start")));
  });
  const created = await fetch(`${url}/${BUCKET}`, { method: "PUT" });
  if (!created.ok) throw new Error(`fauxqs made no bucket: ${created.status}`);
  return {
    url,
    async [Symbol.asyncDispose](): Promise<void> {
      child.kill("SIGKILL");
      await exited;
    },
  };
}
