import type { MediaReport } from "@reelgate/shared/contract/media";
import { indexMedia } from "../index-media.ts";
import type { IndexFlags } from "./command-line.ts";
import type { CommandIo, ExitCode } from "./command-io.ts";
import { toCommandFailure } from "./failure-text.ts";
import { reportText, worstSeverity } from "./report-text.ts";
import { openTarget } from "./targets.ts";

/** Looks at a recording where it is, prints the report, and says by the exit code whether it is broken. */
export async function runIndex(flags: IndexFlags, io: CommandIo): Promise<ExitCode> {
  try {
    const report = await look(flags, io.signal);
    const isBroken = worstSeverity(report.findings) === "broken";
    io.print(
      flags.json
        ? `${JSON.stringify({ target: flags.target, ok: !isBroken, ...report, failure: null }, null, 2)}\n`
        : reportText(flags.target, report, null),
    );
    return isBroken ? 1 : 0;
  } catch (error) {
    const failure = toCommandFailure(error);
    if (flags.json) {
      const nothing = { media: null, findings: [] };
      io.print(
        `${JSON.stringify({ target: flags.target, ok: false, ...nothing, failure }, null, 2)}\n`,
      );
    } else {
      io.complain(`${failure.message} (${failure.code})\n`);
    }
    return failure.code === "config_invalid" ? 2 : 1;
  }
}

async function look(flags: IndexFlags, signal: AbortSignal): Promise<MediaReport> {
  const { client, url } = openTarget(flags.target, flags.allow);
  try {
    return await indexMedia(client, url, flags.declared, {
      segments: flags.segments,
      totalTimeoutMs: flags.timeoutMs,
      signal,
    });
  } finally {
    await client.close();
  }
}
