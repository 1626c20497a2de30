import { brokenFindings, type MediaReport } from "@reelgate/shared/contract/media";
import type { StoredCopy } from "@reelgate/shared/contract/recording";
import { AppError } from "@reelgate/shared/errors";
import type { CommandIo, ExitCode } from "./command-io.ts";
import type { CommonFlags } from "./command-line.ts";
import { reportText } from "./report-text.ts";

/** What came of a command. */
export interface CommandEnd {
  report: MediaReport;
  /** The copy that was kept, if one was asked for and nothing is broken. */
  stored: StoredCopy | null;
}

/**
 * Runs a command and prints how it ended: as a report for people, or as one JSON object
 * `{ target, ok, media, findings, stored, failure }`. The exit code tells whether the recording is whole.
 *
 * @throws what is no expected failure; an interruption too.
 */
export async function printEnd(
  { target, json }: CommonFlags,
  io: CommandIo,
  work: () => Promise<CommandEnd>,
): Promise<ExitCode> {
  const printJson = (value: object): void => io.print(`${JSON.stringify(value, null, 2)}\n`);
  try {
    const { report, stored } = await work();
    const ok = brokenFindings(report.findings).length === 0;
    if (json) {
      printJson({ target, ok, ...report, stored, failure: null });
    } else {
      io.print(reportText(target, report, stored));
    }
    return ok ? 0 : 1;
  } catch (error) {
    if (!(error instanceof AppError) || io.signal.aborted) {
      throw error;
    }
    const { code, message, retryable } = error;
    if (json) {
      const failure = { code, message, retryable };
      printJson({ target, ok: false, media: null, findings: [], stored: null, failure });
    } else {
      io.complain(`${message} (${code})\n`);
    }
    return code === "config_invalid" ? 2 : 1;
  }
}
