import { readLocalRun } from "@reelgate/shared/local-run";
import { createProgress } from "@reelgate/shared/progress";
import { parseCommandLine } from "./command-line.ts";
import { readEnvironment } from "./config.ts";
import { simulate } from "./simulate.ts";
import { UsageError } from "./target.ts";

/** EPERM: the process is there and belongs to another user. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

async function run(args: readonly string[]): Promise<number> {
  const commandLine = parseCommandLine(args, {
    out: (text) => process.stdout.write(text),
    err: (text) => process.stderr.write(text),
  });
  if (commandLine.kind === "over") return commandLine.exitCode;
  const ending = new AbortController();
  const end = (): void => {
    // The second time the default applies: the process ends at once.
    ending.abort();
  };
  process.once("SIGINT", end);
  process.once("SIGTERM", end);
  try {
    const environment = readEnvironment();
    const summary = await simulate(commandLine.flags, {
      environment,
      localRun: await readLocalRun(environment.dataDir, isAlive),
      print: (text) => process.stdout.write(`${text}\n`),
      note: (text) => process.stderr.write(`${text}\n`),
      progress: createProgress(process.stderr),
      signal: ending.signal,
    });
    return summary.ok ? 0 : 1;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 2;
  } finally {
    process.off("SIGINT", end);
    process.off("SIGTERM", end);
  }
}

process.exitCode = await run(process.argv.slice(2));
