import { parseCommandLine } from "./command/command-line.ts";
import { runDownload } from "./command/run-download.ts";
import { runIndex } from "./command/run-index.ts";

async function run(args: readonly string[]): Promise<number> {
  const print = (text: string): void => void process.stdout.write(text);
  const complain = (text: string): void => void process.stderr.write(text);
  const commandLine = parseCommandLine(args, { out: print, err: complain });
  if (commandLine.kind === "over") {
    return commandLine.exitCode;
  }
  const ending = new AbortController();
  // The second time the default applies: the process ends at once.
  const end = (): void => ending.abort(new Error("stopped"));
  process.once("SIGINT", end);
  process.once("SIGTERM", end);
  const io = { print, complain, progress: process.stderr, signal: ending.signal };
  try {
    switch (commandLine.kind) {
      case "index":
        return await runIndex(commandLine.flags, io);
      case "download":
        return await runDownload(commandLine.flags, io);
      default:
        return commandLine satisfies never;
    }
  } catch (error) {
    if (!ending.signal.aborted) {
      throw error;
    }
    complain("Stopped. The same command goes on where it was.\n");
    return 1;
  } finally {
    process.off("SIGINT", end);
    process.off("SIGTERM", end);
  }
}

process.exitCode = await run(process.argv.slice(2));
