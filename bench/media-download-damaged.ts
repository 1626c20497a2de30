import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { table } from "./figures.ts";
import { type DownloadBench, cleanSlate } from "./media-download-file.ts";
import { copyWithFfmpeg } from "./media-download-hls.ts";
import { downloadInProcess } from "./media-download-process.ts";
import { damageHls, type HlsDamage, makeHls } from "./media-download-samples.ts";
import { lookWithFfprobe } from "./media-looks.ts";
import type { OriginProcess } from "./media-origin-process.ts";
import { type ToolRun, runTool } from "./media-tools.ts";

const SEGMENTS = 75;

interface Verdicts {
  title: string;
  ours: string;
  ffmpeg: ToolRun;
  /** Of what ffmpeg wrote. */
  copyDurationS: number | null;
  ffprobe: string;
  ytDlp: ToolRun;
}

/** Downloads HLS that is not whole with ours and with others, and sets the verdicts side by side. Markdown. */
export async function benchDamagedHls(
  bench: DownloadBench,
  origin: OriginProcess,
): Promise<string> {
  const { path: sound, sizeBytes } = await makeHls(bench.folder, SEGMENTS);
  const missing = "segment30.ts";
  const inside = { segment: "segment45.ts", where: "inside a packet" } as const;
  const between = { segment: "segment45.ts", where: "between packets" } as const;
  const damages: readonly HlsDamage[] = [
    { name: "missing", missing },
    { name: "cut-inside", cut: inside },
    { name: "cut-between", cut: between },
    { name: "missing-and-cut-inside", missing, cut: inside },
    { name: "missing-and-cut-between", missing, cut: between },
  ];
  const cases: [string, string][] = [["sound", sound]];
  for (const damage of damages) {
    cases.push([titleOf(damage), await damageHls(bench.folder, sound, damage)]);
  }
  const verdicts: Verdicts[] = [];
  for (const [title, path] of cases) {
    verdicts.push(await judge(bench, title, `${origin.url}/${path}`));
    console.log(`damaged HLS, ${title}: done`);
  }
  return `
HLS of ${SEGMENTS} segments of a second, ${(sizeBytes / 1_000_000).toFixed(0)} MB, whole; without one of them (404); with one that ends in its middle, inside a packet of TS or between two; with both. Nothing is declared to us. Ours is the verdict of \`downloadMedia\`. The others as people call them: \`ffmpeg -i URL -c copy recording.mp4\`, \`yt-dlp -o recording.mp4 URL\`, \`ffprobe\`. curl knows no HLS: it fetches a playlist for a recording, and ends with 0.

${table(
  [
    "",
    "ours",
    "ffmpeg -c copy: exit, duration of its copy",
    "ffprobe: exit, duration",
    "yt-dlp: exit",
  ],
  verdicts.map(({ title, ours, ffmpeg, copyDurationS, ffprobe, ytDlp }) => [
    title,
    ours,
    `${ffmpeg.exitCode ?? "killed"}, ${copyDurationS?.toFixed(2) ?? "none"} s${lastLine(ffmpeg.stderr)}`,
    ffprobe,
    ytDlp.isInstalled ? String(ytDlp.exitCode) : "not installed",
  ]),
)}`;
}

function titleOf({ missing, cut }: HlsDamage): string {
  return [
    missing === undefined ? "" : `without ${missing}`,
    cut === undefined ? "" : `${cut.segment} cut ${cut.where}`,
  ]
    .filter((text) => text !== "")
    .join(", ");
}

async function judge(bench: DownloadBench, title: string, url: string): Promise<Verdicts> {
  await cleanSlate(bench);
  const run = await downloadInProcess({
    url,
    storage: pathToFileURL(bench.outFolder).href,
    workFolder: bench.outFolder,
    name: "bench/recording",
  });
  const copy = join(bench.outFolder, "ffmpeg.mp4");
  const ffmpeg = await copyWithFfmpeg(url, copy);
  const copied = await lookWithFfprobe(copy);
  const { result: looked } = await lookWithFfprobe(url);
  const ytDlp = await runTool("yt-dlp", ["-q", "-o", join(bench.outFolder, "yt-dlp.mp4"), url]);
  return {
    title,
    ours: [`**${run?.verdict ?? "?"}**`, ...(run?.findings ?? [])].join("<br>"),
    ffmpeg,
    copyDurationS: copied.result.durationS,
    ffprobe: `${looked.exitCode ?? "?"}, ${looked.durationS?.toFixed(2) ?? "none"} s`,
    ytDlp,
  };
}

function lastLine(stderr: string): string {
  const lines = stderr.trim().split("\n");
  const line = lines.find((text) => /error|fail|corrupt/iu.test(text)) ?? "";
  return line === "" ? "" : `<br>"${line.replaceAll("|", "\\|").slice(0, 100)}"`;
}
