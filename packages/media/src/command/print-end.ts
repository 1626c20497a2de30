import {
  brokenFindings,
  FINDING_SEVERITIES,
  type MediaReport,
} from "@reelgate/shared/contract/media";
import type { StoredCopy } from "@reelgate/shared/contract/recording";
import { AppError, type ErrorCode } from "@reelgate/shared/errors";
import type { CommandIo, ExitCode } from "./command-io.ts";
import type { CommonFlags } from "./command-line.ts";
import { reportText } from "./report-text.ts";
import { withoutSecrets } from "./targets.ts";

/** What came of a command. */
export interface CommandEnd {
  report: MediaReport;
  /** The copy that was kept; `refused`: one was asked for, and what is broken is not kept; null: none was asked for. */
  stored: StoredCopy | "refused" | null;
}

/** What to do about a failure, where the message cannot know it: it is the worker's too. */
const HINTS: Readonly<Partial<Record<ErrorCode, string>>> = {
  media_url_forbidden:
    "A local playlist is looked at inside its own folder. Other hosts of a URL are allowed with --allow.",
  storage_conflict: "If both are right, keep this one under another name: --name.",
};
const GOES_ON = "The same command goes on where it was.";

/**
 * Runs a command and prints how it ended: as a report for people, or as one JSON object
 * `{ target, ok, media, findings, stored, failure }`, with the severity of each finding. The exit code tells whether the
 * recording is whole.
 *
 * @param canGoOn Whether the same command, repeated, has less to do.
 * @throws what is no expected failure; an interruption too.
 */
export async function printEnd(
  { target: typed, json }: CommonFlags,
  io: CommandIo,
  work: () => Promise<CommandEnd>,
  canGoOn: boolean = false,
): Promise<ExitCode> {
  const target = withoutSecrets(typed);
  const printJson = (value: object): void => io.print(`${JSON.stringify(value, null, 2)}\n`);
  try {
    const { report, stored } = await work();
    const ok = brokenFindings(report.findings).length === 0;
    if (json) {
      const findings = report.findings.map((finding) => ({
        ...finding,
        severity: FINDING_SEVERITIES[finding.kind],
      }));
      const isRefused = stored === "refused";
      const failure = isRefused ? failureOf(new AppError("media_incomplete")) : null;
      const { media } = report;
      printJson({ target, ok, media, findings, stored: isRefused ? null : stored, failure });
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
      const failure = failureOf(error);
      printJson({ target, ok: false, media: null, findings: [], stored: null, failure });
    } else {
      const hint = HINTS[code] ?? (canGoOn && retryable ? GOES_ON : null);
      io.complain(`${message} (${code})\n${hint === null ? "" : `${hint}\n`}`);
    }
    return code === "config_invalid" ? 2 : 1;
  }
}

function failureOf({ code, message, retryable }: AppError): object {
  return { code, message, retryable };
}
