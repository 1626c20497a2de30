import { once } from "node:events";
import { createInterface } from "node:readline/promises";
import { AppError } from "@reelgate/shared/errors";
import type { ErrorCode } from "@reelgate/shared/errors";
import { redactText } from "@reelgate/shared/redact";
import type { CommandIo, ExitCode } from "./command-io.ts";
import { printableLines } from "./text/printable.ts";

/** The reader of the output went away, as `head` does: the command ends, and nothing is wrong. */
class NobodyReads extends Error {}
class Interrupted extends Error {}

/** What to do about an error, where its message cannot know it. */
const HINTS: Readonly<Partial<Record<ErrorCode, string>>> = {
  catalogue_unavailable: "Is Postgres running, and is DATABASE_URL the right one?",
  catalogue_refused: "Mend the user, the password or the database of DATABASE_URL.",
  redis_unavailable: "Is Redis running, and is REDIS_URL the right one?",
  schema_outdated: "The migrate step is the command `migrate`.",
  usage: "--help shows what there is.",
  recording_not_found: "`recordings list --q …` finds one by any of its identifiers.",
  callback_not_found: "It was never settled, or retention removed it.",
};

/** Errors that speak of how the command was called. */
const WRONG_USAGE: ReadonlySet<ErrorCode> = new Set(["usage", "config_invalid", "invalid_query"]);

/**
 * Runs one command as this process and sets its exit code. The first Ctrl-C (or SIGTERM) ends it in order, the second
 * at once.
 */
export async function runAsProcess(
  run: (args: readonly string[], io: CommandIo) => Promise<ExitCode>,
): Promise<void> {
  const ending = new AbortController();
  const interrupt = (): void => ending.abort(new Interrupted("interrupted"));
  process.once("SIGINT", interrupt);
  process.once("SIGTERM", interrupt);
  process.stdout.on("error", () => ending.abort(new NobodyReads("nobody reads the output")));
  // Without it a note would end the process when the other end of stderr is closed.
  process.stderr.on("error", () => {});
  try {
    process.exitCode = await run(process.argv.slice(2), ioOf(ending.signal));
  } catch (error) {
    process.exitCode = endOf(error, ending.signal);
  } finally {
    process.off("SIGINT", interrupt);
    process.off("SIGTERM", interrupt);
  }
}

function ioOf(signal: AbortSignal): CommandIo {
  const { stdin, stdout, stderr } = process;
  return {
    async print(text) {
      signal.throwIfAborted();
      if (!stdout.write(text)) await once(stdout, "drain", { signal });
    },
    note: (text) => void stderr.write(text),
    progress: stderr,
    columns: stdout.isTTY ? stdout.columns : null,
    confirm: stdin.isTTY && stderr.isTTY ? (question) => ask(question, signal) : null,
    stdin,
    signal,
  };
}

async function ask(question: string, signal: AbortSignal): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  // The terminal is in raw mode meanwhile: Ctrl-C arrives here and not as a signal.
  terminal.on("SIGINT", () => process.emit("SIGINT"));
  try {
    return /^y(?:es)?$/iu.test((await terminal.question(`${question} [y/N] `, { signal })).trim());
  } finally {
    terminal.close();
  }
}

function endOf(error: unknown, signal: AbortSignal): ExitCode {
  if (signal.aborted) {
    if (signal.reason instanceof NobodyReads) return 0;
    process.stderr.write("Stopped.\n");
    return 1;
  }
  if (error instanceof AppError) {
    const hint = HINTS[error.code];
    process.stderr.write(
      `${printableLines(redactText(error.message))} (${error.code})\n${hint === undefined ? "" : `${hint}\n`}`,
    );
    return WRONG_USAGE.has(error.code) ? 2 : 1;
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(
    `Something failed that should not fail; please report it (internal):\n${printableLines(redactText(text))}\n`,
  );
  return 1;
}
