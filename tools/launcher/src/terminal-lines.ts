import { z } from "zod";

const WARN = 40;
const LEVEL_NAMES: Readonly<Record<number, string>> = {
  10: "trace",
  20: "debug",
  30: "info",
  40: "warn",
  50: "error",
  60: "fatal",
};
/** The same complaint of one app is shown once in this time; its log file has all of them. */
const REPEAT_MS = 10_000;

const logLineSchema = z.looseObject({
  level: z.number(),
  msg: z.string().optional(),
  err: z.looseObject({ message: z.string() }).optional(),
  // Of the worker's lines about recordings.
  recordingId: z.string().optional(),
  code: z.string().optional(),
  message: z.string().optional(),
  findings: z.array(z.string()).optional(),
});

/**
 * What of an app's output a person at the terminal gets to see: warnings and errors, one short line each, or
 * everything when asked for. Repetitions are held back, since an app without Redis says so many times a second.
 *
 * @returns the text to print, or null
 */
export function terminalLines(options: {
  verbose: boolean;
  nowMs: () => number;
}): (app: string, line: string) => string | null {
  const shownAtMs = new Map<string, number>();
  return (app, line) => {
    const { level, text, about } = read(line);
    if (options.verbose) return `[${app}] ${line}`;
    if (text === "" || level < WARN) return null;
    const complaint = `[${app}] ${LEVEL_NAMES[level] ?? "error"}: ${text}`;
    const nowMs = options.nowMs();
    if (nowMs - (shownAtMs.get(complaint) ?? -Infinity) < REPEAT_MS) return null;
    if (shownAtMs.size > 1000) shownAtMs.clear();
    shownAtMs.set(complaint, nowMs);
    return complaint + about;
  };
}

/** A line that is not one of pino's comes from the runtime (a crash, a warning of Node) and is worth showing. */
function read(line: string): { level: number; text: string; about: string } {
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch {
    return { level: 50, text: line.trim(), about: "" };
  }
  const parsed = logLineSchema.safeParse(json);
  if (!parsed.success) return { level: 50, text: line.trim(), about: "" };
  const { level, msg = "", err, recordingId, code, message, findings = [] } = parsed.data;
  const details = [
    ...(recordingId === undefined ? [] : [`recording ${recordingId}`]),
    ...(message === undefined ? [] : [code === undefined ? message : `${message} (${code})`]),
    ...(findings.length === 0 ? [] : [[...new Set(findings)].join(", ")]),
  ];
  return {
    level,
    text: err === undefined ? msg : `${msg}: ${err.message}`,
    about: details.length === 0 ? "" : `; ${details.join(": ")}`,
  };
}
