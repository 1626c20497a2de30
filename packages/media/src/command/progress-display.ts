import { PLAIN_INTERVAL_MS, terminalBar } from "@reelgate/shared/progress";
import type { ProgressStream } from "@reelgate/shared/progress";
import { durationText, sizeText } from "./quantities.ts";

/** How far a piece of work is. Totals are null as long as nobody knows them. */
export interface ProgressFigures {
  /** What is being done: "fetching". */
  phase: string;
  bytesDone: number;
  bytesTotal: number | null;
  filesDone: number;
  filesTotal: number | null;
}

/** Shows progress to whoever waits. */
export interface ProgressDisplay {
  update(figures: ProgressFigures): void;
  /** Leaves the last figures standing. */
  stop(): void;
}

/** The rate is that of the last seconds: what it was an hour ago says nothing about the end. */
const RATE_WINDOW_MS = 5000;

/** A bar on a terminal; plain lines, without control characters, anywhere else. */
export function createProgressDisplay(
  stream: ProgressStream,
  nowMs: () => number = () => performance.now(),
): ProgressDisplay {
  const describe = createDescription(nowMs);
  return stream.isTTY === true ? createBar(stream, describe) : createLines(stream, describe, nowMs);
}

type Describe = (figures: ProgressFigures) => string;

/** What stands beside the bar, at its longest. */
const TEXT_COLUMNS = 66;
const MAX_BAR_COLUMNS = 40;
/** Shorter, it shows less than the percentage beside it. */
const MIN_BAR_COLUMNS = 10;
/** While nothing comes, the rate goes down and the time that is left is not known. */
const REFRESH_MS = 1000;

function createBar(stream: ProgressStream, describe: Describe): ProgressDisplay {
  const room = (stream.columns ?? 80) - TEXT_COLUMNS;
  const bar = terminalBar(stream, {
    format:
      room < MIN_BAR_COLUMNS
        ? "{phase} {percentage}% {note}"
        : "{phase} [{bar}] {percentage}% {note}",
    barsize: Math.min(room, MAX_BAR_COLUMNS),
  });
  let latest: ProgressFigures | null = null;
  let timer: NodeJS.Timeout | undefined;

  function show(figures: ProgressFigures): void {
    const { done, total } = share(figures);
    const payload = { phase: figures.phase, note: describe(figures) };
    if (latest === null) {
      bar.start(total, done, payload);
      timer = setInterval(() => {
        if (latest !== null) show(latest);
      }, REFRESH_MS);
    } else {
      bar.setTotal(total);
      bar.update(done, payload);
    }
    latest = figures;
  }
  return {
    update: show,
    stop(): void {
      clearInterval(timer);
      if (latest !== null) {
        bar.stop();
      }
    },
  };
}

function createLines(
  stream: ProgressStream,
  describe: Describe,
  nowMs: () => number,
): ProgressDisplay {
  let writtenAtMs = nowMs();
  return {
    update(figures): void {
      const note = describe(figures);
      if (nowMs() - writtenAtMs >= PLAIN_INTERVAL_MS) {
        writtenAtMs = nowMs();
        stream.write(`${figures.phase} ${note}\n`);
      }
    },
    stop: () => undefined,
  };
}

/** What the bar is filled by: bytes where their total is known, else files. */
function share(figures: ProgressFigures): { done: number; total: number } {
  return figures.bytesTotal === null && figures.filesTotal !== null
    ? { done: figures.filesDone, total: Math.max(figures.filesTotal, 1) }
    : { done: figures.bytesDone, total: Math.max(figures.bytesTotal ?? 0, figures.bytesDone, 1) };
}

/** Keeps the figures of the last seconds, and makes `23.1 of 51.5 MB, 12.3 MB/s, 12 of 75 files, 0:02 left` of them. */
function createDescription(nowMs: () => number): Describe {
  let phase = "";
  let samples: { atMs: number; bytes: number; done: number }[] = [];
  return (figures) => {
    const atMs = nowMs();
    if (figures.phase !== phase) {
      phase = figures.phase;
      samples = [];
    }
    const { done, total } = share(figures);
    samples.push({ atMs, bytes: figures.bytesDone, done });
    while (samples.length > 2 && atMs - (samples[1]?.atMs ?? atMs) >= RATE_WINDOW_MS) {
      samples.shift();
    }
    const first = samples[0];
    const seconds = first === undefined ? 0 : (atMs - first.atMs) / 1000;
    const bytesPerS =
      first === undefined || seconds <= 0 ? null : (figures.bytesDone - first.bytes) / seconds;
    const donePerS = first === undefined || seconds <= 0 ? 0 : (done - first.done) / seconds;
    const totalIsKnown = figures.bytesTotal !== null || figures.filesTotal !== null;
    return [
      figures.bytesTotal === null
        ? sizeText(figures.bytesDone)
        : `${sizeText(figures.bytesDone)} of ${sizeText(figures.bytesTotal)}`,
      ...(bytesPerS === null ? [] : [`${sizeText(Math.round(bytesPerS))}/s`]),
      ...(figures.filesTotal === null || figures.filesTotal <= 1
        ? []
        : [`${figures.filesDone} of ${figures.filesTotal} files`]),
      ...(totalIsKnown && donePerS > 0 ? [`${durationText((total - done) / donePerS)} left`] : []),
    ].join(", ");
  };
}
