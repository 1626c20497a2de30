import { createProgress } from "@reelgate/shared/progress";
import { megabytes, percentile, table } from "./figures.ts";
import {
  lookWithCommand,
  lookWithFfprobe,
  lookWithUs,
  startCommand,
  startFfprobe,
} from "./media-looks.ts";
import { type OriginProcess, startOriginProcess } from "./media-origin-process.ts";
import { type MediaSample, makeSamples, toolVersion } from "./media-samples.ts";
import { machine, writeSection } from "./results-file.ts";

export interface LooksBenchOptions {
  /** Of the samples. */
  folder: string;
  rounds: number;
  /** How fast the origin sends each body. */
  megabitsPerSecond: number;
  note: string | null;
}

const LATENCY_MS = 20;
/** A look of ffprobe that takes longer is not repeated: it reads a fragmented file to its end. */
const SLOW_MS = 20_000;

interface Side {
  bytes: number[];
  requests: number[];
  wallMs: number[];
  /** The duration, or why there is none. */
  said: string;
}

interface Measured {
  sample: MediaSample;
  /** In this process. */
  ours: Side;
  /** As a process each time. */
  command: Side;
  theirs: Side;
}

/** What starting a process costs, whatever it is asked: medians. */
interface Starts {
  oursMs: number;
  ffprobeMs: number;
}

/** Looks at recordings of 5 minutes and an hour with ours and with ffprobe by turns, and writes what it took. */
export async function benchLooks(options: LooksBenchOptions): Promise<void> {
  const versions = [await toolVersion("ffmpeg"), await toolVersion("ffprobe")];
  const samples = await makeSamples(options.folder, (what) => console.log(what));
  await using origin = await startOriginProcess({
    root: options.folder,
    latencyMs: LATENCY_MS,
    // Without a limit, loopback hands a reader that leaves early megabytes that it never asked for.
    bytesPerSecond: options.megabitsPerSecond * 125_000,
  });
  const measured = await measure(origin, samples, options.rounds);
  const ours: number[] = [];
  const ffprobe: number[] = [];
  for (let n = 0; n < options.rounds; n++) {
    ours.push(await startCommand());
    ffprobe.push(await startFfprobe());
  }
  const starts = { oursMs: median(ours), ffprobeMs: median(ffprobe) };
  await writeSection("Looking at a recording", lookReport(options, versions, measured, starts));
}

async function measure(
  origin: OriginProcess,
  samples: readonly MediaSample[],
  rounds: number,
): Promise<Measured[]> {
  const side = (): Side => ({ bytes: [], requests: [], wallMs: [], said: "" });
  const measured = samples.map((sample) => ({
    sample,
    ours: side(),
    command: side(),
    theirs: side(),
  }));
  const progress = createProgress(process.stdout);
  progress.start("looks", rounds * samples.length);
  let done = 0;
  // The first round warms the process, the file cache and ffprobe's pages, and is not counted.
  for (let round = -1; round < rounds; round++) {
    for (const { sample, ours, command, theirs } of measured) {
      const url = `${origin.url}/${sample.path}`;
      await counted(origin, round < 0 ? side() : ours, async () => {
        const { result, wallMs } = await lookWithUs(url);
        ours.said = "report" in result ? seconds(result.report.media.durationS) : result.message;
        return wallMs;
      });
      await counted(origin, round < 0 ? side() : command, async () => {
        const { result, wallMs } = await lookWithCommand(url);
        command.said = seconds(result.media.durationS);
        return wallMs;
      });
      const isKnownSlow = theirs.wallMs.some((wallMs) => wallMs > SLOW_MS);
      if (!isKnownSlow) {
        const look = side();
        await counted(origin, look, async () => {
          const { result, wallMs } = await lookWithFfprobe(url);
          theirs.said = seconds(result.durationS);
          return wallMs;
        });
        if (round >= 0 || (look.wallMs[0] ?? 0) > SLOW_MS) append(theirs, look);
      }
      if (round >= 0) progress.update(++done);
    }
  }
  progress.stop();
  return measured;
}

function append(to: Side, look: Side): void {
  to.bytes.push(...look.bytes);
  to.requests.push(...look.requests);
  to.wallMs.push(...look.wallMs);
}

async function counted(
  origin: OriginProcess,
  side: Side,
  look: () => Promise<number>,
): Promise<void> {
  const before = await origin.totals();
  side.wallMs.push(await look());
  const after = await origin.totals();
  side.bytes.push(after.sentBytes - before.sentBytes);
  side.requests.push(after.requests - before.requests);
}

const seconds = (value: number | null): string =>
  value === null ? "none" : `${value.toFixed(3)} s`;
const median = (values: readonly number[]): number => percentile(values, 0.5);
const kilobytes = (bytes: number): string => (bytes / 1_024).toFixed(0);

function lookReport(
  { rounds, megabitsPerSecond, note }: LooksBenchOptions,
  [ffmpeg, ffprobe]: readonly string[],
  measured: readonly Measured[],
  starts: Starts,
): string {
  return `
\`npm run bench -- media --rounds ${rounds} --mbps ${megabitsPerSecond}\`, ${new Date().toISOString().slice(0, 10)}, ffprobe ${ffprobe ?? "?"}, samples made with ffmpeg ${ffmpeg ?? "?"}, ${machine()}.${note === null ? "" : ` ${note}`}

Recordings of 720p25 H.264 and 48 kHz stereo AAC (a 16 s piece repeated), served over loopback by a process of its own: ${LATENCY_MS} ms before the headers of each answer, bodies at ${megabitsPerSecond} Mbit/s. Ours and ffprobe by turns, median of ${rounds} rounds after one that is not counted; where ffprobe took more than ${SLOW_MS / 1_000} s it was asked once. Bytes are what the origin handed to its sockets, in pieces of 16 KiB. HLS at the default \`segments: "sample"\`. AAC has the bit rate of audio, so its files are as small as they are: every frame header is read, because no part of the file tells its duration.

Ours in two ways: as the command \`node packages/media/dist/cli.js index --json URL\`, a process each time as ffprobe is; and, as the worker uses it, in a process that runs already, with a new connection each time. ${starts.oursMs.toFixed(0)} ms of our command and ${starts.ffprobeMs.toFixed(0)} ms of ffprobe's are the start of the process (\`--help\`, \`-version\`). Ratios are our time over ffprobe's.

${table(
  [
    "file",
    "size",
    "KiB: ours / ffprobe",
    "requests",
    "ms: our command / in the worker / ffprobe",
    "duration: ours / ffprobe",
    "ratio: command / in the worker",
  ],
  measured.map(({ sample, ours, command, theirs }) => [
    sample.title,
    megabytes(sample.sizeBytes),
    `${kilobytes(median(ours.bytes))} / ${kilobytes(median(theirs.bytes))}`,
    `${median(ours.requests)} / ${median(theirs.requests)}`,
    `${median(command.wallMs).toFixed(0)} / ${median(ours.wallMs).toFixed(0)} / ${median(theirs.wallMs).toFixed(0)}`,
    `${ours.said} / ${theirs.said}`,
    `${(median(command.wallMs) / median(theirs.wallMs)).toFixed(2)} / ${(median(ours.wallMs) / median(theirs.wallMs)).toFixed(2)}`,
  ]),
)}
`;
}
