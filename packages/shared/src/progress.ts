import { Presets, SingleBar } from "cli-progress";

/** Shows how far a phase is. */
export interface Progress {
  start(what: string, total: number): void;
  update(done: number, note?: string): void;
  stop(): void;
}

/** Where progress is written: a terminal, or a file or pipe. */
export interface ProgressStream extends NodeJS.WritableStream {
  isTTY?: boolean;
  columns?: number;
}

/** Without a terminal, one plain line at most this often. */
export const PLAIN_INTERVAL_MS = 5000;

/** A bar that stays where it stood at the end, and leaves signals to the program. */
export function terminalBar(
  stream: ProgressStream,
  look: { format: string; barsize?: number },
): SingleBar {
  return new SingleBar(
    {
      ...look,
      stream,
      hideCursor: true,
      clearOnComplete: false,
      gracefulExit: false,
      etaBuffer: 1,
    },
    Presets.shades_classic,
  );
}

function createBar(stream: ProgressStream): Progress {
  const bar = terminalBar(stream, { format: "{what} [{bar}] {value}/{total} {note}" });
  let what = "";
  return {
    start: (name, total) => {
      what = name;
      bar.start(total, 0, { what, note: "" });
    },
    update: (done, note = "") => {
      bar.update(done, { what, note });
    },
    stop: () => {
      bar.stop();
    },
  };
}

function createLines(stream: ProgressStream, nowMs: () => number): Progress {
  let what = "";
  let total = 0;
  let lastMs = 0;
  return {
    start: (name, count) => {
      what = name;
      total = count;
      lastMs = nowMs();
    },
    update: (done, note = "") => {
      if (nowMs() - lastMs < PLAIN_INTERVAL_MS) return;
      lastMs = nowMs();
      stream.write(`${what} ${done}/${total}${note === "" ? "" : ` ${note}`}\n`);
    },
    stop: () => undefined,
  };
}

/** A bar on a terminal; plain lines, without control characters, anywhere else. */
export function createProgress(
  stream: ProgressStream,
  nowMs: () => number = () => performance.now(),
): Progress {
  return stream.isTTY === true ? createBar(stream) : createLines(stream, nowMs);
}
