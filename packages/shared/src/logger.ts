import { isatty } from "node:tty";
import { pino } from "pino";
import type { DestinationStream, Logger as PinoLogger } from "pino";
import pretty from "pino-pretty";
import { AppError } from "./errors.ts";
import { redactText } from "./redact.ts";

export type Logger = PinoLogger;

export interface LoggerOptions {
  /** Name of the process, on every line. */
  app: string;
  level: string;
  /** Where lines go; the tests pass a sink of their own. */
  destination?: DestinationStream;
}

/**
 * Keys that are cut from every line (guarantee G6), wherever they stand at the first two levels. The code that logs
 * names no secret in the first place; this is the net under it.
 */
const SECRET_KEYS = [
  "sign",
  "stream_param",
  "streamParam",
  "password",
  "authorization",
  "cookie",
  "body",
  "key",
];

/**
 * One JSON line per event; readable lines when a person looks at a terminal. Errors are logged as code, message and
 * stack of the whole cause chain, which quote what others sent and are therefore redacted.
 */
export function createLogger(options: LoggerOptions): Logger {
  const destination =
    options.destination ??
    (isatty(1)
      ? pretty({ colorize: true, ignore: "pid,hostname" })
      : pino.destination({ dest: 1, sync: true }));
  return pino(
    {
      level: options.level,
      base: { app: options.app },
      redact: {
        paths: SECRET_KEYS.flatMap((key) => [key, `*.${key}`]),
        censor: "[redacted]",
      },
      serializers: { err: describeError },
    },
    destination,
  );
}

interface DescribedError {
  code: string | null;
  message: string;
  stack: string | null;
  cause?: DescribedError;
}

/** Bounded in depth: causes can be circular. */
function describeError(error: unknown, depth = 0): DescribedError {
  if (!(error instanceof Error))
    return { code: null, message: redactText(String(error)), stack: null };
  const code = "code" in error ? String(error.code) : null;
  return {
    code,
    message: redactText(error.message),
    stack:
      error.stack === undefined || (error instanceof AppError && !error.message.includes("\n"))
        ? null
        : redactText(error.stack),
    ...(error.cause === undefined || depth >= 4
      ? {}
      : { cause: describeError(error.cause, depth + 1) }),
  };
}
