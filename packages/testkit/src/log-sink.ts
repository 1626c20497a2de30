import { until } from "./latch.ts";
import type { UntilOptions } from "./latch.ts";

/** One parsed line of pino. */
export interface LogLine {
  level: number;
  msg?: string;
  [field: string]: unknown;
}

/** Captures log lines, for assertions on what was really logged. */
export interface LogSink {
  /** Give it to `createLogger` as the destination. */
  readonly stream: { write(text: string): void };
  readonly lines: readonly LogLine[];
  /** Everything that was written, as text: for "this secret is nowhere in it". */
  text(): string;
  withMessage(msg: string): LogLine[];
  /** The first line that matches, once there is one. */
  waitFor(matches: (line: LogLine) => boolean, options?: UntilOptions): Promise<LogLine>;
}

export function createLogSink(): LogSink {
  const lines: LogLine[] = [];
  let text = "";
  let partial = "";
  return {
    lines,
    stream: {
      write(chunk) {
        text += chunk;
        const parts = (partial + chunk).split("\n");
        partial = parts.pop() ?? "";
        for (const part of parts) {
          if (part !== "") lines.push(JSON.parse(part) as LogLine);
        }
      },
    },
    text: () => text,
    withMessage: (msg) => lines.filter((line) => line.msg === msg),
    waitFor: (matches, options) =>
      until(() => lines.find((line) => matches(line)), { what: "a log line", ...options }),
  };
}
