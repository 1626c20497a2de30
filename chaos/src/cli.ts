import { appendRow } from "@reelgate/bench/results-file";
import { errorMessage } from "@reelgate/shared/errors";
import { createProgress } from "@reelgate/shared/progress";
import { runChaos } from "./chaos.ts";
import { parseCommandLine } from "./command-line.ts";
import { serverEnvironment } from "./config.ts";
import {
  RESULTS_HEAD,
  RESULTS_INTRO,
  RESULTS_TITLE,
  exitCodeOf,
  reportText,
  resultsRow,
} from "./report.ts";

async function run(args: readonly string[]): Promise<number> {
  const commandLine = parseCommandLine(args, {
    out: (text) => process.stdout.write(text),
    err: (text) => process.stderr.write(text),
  });
  if (commandLine.kind === "over") return commandLine.exitCode;
  const { flags } = commandLine;
  const ending = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    // The second time the default applies: the process ends at once.
    process.once(signal, () => ending.abort(new Error(`ended by ${signal}`)));
  }
  const people = flags.json ? process.stderr : process.stdout;
  try {
    const report = await runChaos(flags, {
      env: serverEnvironment(),
      send: (pid, signal) => {
        try {
          process.kill(pid, signal);
        } catch (error) {
          if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
        }
      },
      note: (text) => people.write(`${text}\n`),
      progress: createProgress(process.stderr),
      signal: ending.signal,
    });
    if (flags.results) {
      const row = resultsRow(report, new Date().toISOString().slice(0, 10));
      await appendRow(RESULTS_TITLE, RESULTS_INTRO, RESULTS_HEAD, row);
    }
    process.stdout.write(
      flags.json ? `${JSON.stringify(report, null, 2)}\n` : `${reportText(report)}\n`,
    );
    return exitCodeOf(report);
  } catch (error) {
    process.stderr.write(`chaos: ${errorMessage(error)}\n`);
    return 1;
  }
}

process.exitCode = await run(process.argv.slice(2));
