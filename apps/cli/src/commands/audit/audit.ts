import type { CommandIo, ExitCode } from "../../command-io.ts";
import type { Ports, QueueDepths } from "../../ports.ts";
import { ageText, countOf, countText } from "../../text/quantities.ts";
import type { AuditContext } from "./audit-context.ts";
import { checkAcknowledged } from "./check-acknowledged.ts";
import type { AcknowledgedFound } from "./check-acknowledged.ts";
import { checkCallbackJobs } from "./check-callback-jobs.ts";
import type { CallbackJobsFound } from "./check-callback-jobs.ts";
import { checkMediaJobs, checkPending } from "./check-media-jobs.ts";
import { checkBodies, checkRecordings } from "./check-recordings.ts";
import { createViolationReport } from "./violations.ts";

export interface AuditFlags {
  /** Path of the ids that were acknowledged, `-` for standard input; null for none. */
  acknowledged: string | null;
  /** Whether the id of every callback is computed anew. */
  isDeep: boolean;
  stuckAfterMs: number;
  json: boolean;
}

interface AuditSummary {
  violations: number;
  recordings: number;
  callbackJobs: CallbackJobsFound;
  pendingRecordings: number;
  mediaJobs: number;
  /** Null when they were not asked for. */
  bodies: number | null;
  acknowledged: AcknowledgedFound | null;
}

/**
 * Checks guarantees G2 and G3 on the running system and names everything that breaks them. Reads alone, in batches,
 * while traffic goes on.
 */
export async function audit(
  flags: AuditFlags,
  ports: Pick<Ports, "auditCatalogue" | "jobs" | "queues">,
  io: CommandIo,
): Promise<ExitCode> {
  const report = createViolationReport(flags.json, io);
  const context: AuditContext = {
    catalogue: await ports.auditCatalogue(),
    jobs: await ports.jobs(),
    report,
    io,
    stuckAfterMs: flags.stuckAfterMs,
  };
  const extent = await context.catalogue.extent();
  const depths = await (await ports.queues()).depths();
  // First, while they are fresh: what was acknowledged just now need not be settled by then, only be there.
  const acknowledged =
    flags.acknowledged === null ? null : await checkAcknowledged(context, flags.acknowledged);
  const callbackJobs = await checkCallbackJobs(context, jobsOf(depths, "callbacks"));
  const mediaJobs = await checkMediaJobs(context, jobsOf(depths, "media"));
  const pendingRecordings = await checkPending(context);
  const recordings = await checkRecordings(context, extent.recordings);
  const bodies = flags.isDeep ? await checkBodies(context, extent.callbacks) : null;
  const summary: AuditSummary = {
    violations: report.count(),
    recordings,
    callbackJobs,
    pendingRecordings,
    mediaJobs,
    bodies,
    acknowledged,
  };
  await io.print(
    flags.json ? `${JSON.stringify({ type: "summary", ...summary })}\n` : summaryText(summary),
  );
  return summary.violations === 0 ? 0 : 1;
}

function jobsOf(depths: readonly QueueDepths[], name: QueueDepths["name"]): number {
  return depths
    .filter((queue) => queue.name === name)
    .flatMap(({ states }) => Object.values(states))
    .reduce((sum, { count }) => sum + count, 0);
}

function summaryText(summary: AuditSummary): string {
  const { callbackJobs, acknowledged } = summary;
  const oldest =
    callbackJobs.oldestInFlightMs === null
      ? ""
      : `, the oldest for ${ageText(callbackJobs.oldestInFlightMs)}`;
  const line = (name: string, value: string): string => `  ${name.padEnd(20)} ${value}\n`;
  return [
    "Checked\n",
    line("recordings", countText(summary.recordings)),
    line("pending over 7 min", countText(summary.pendingRecordings)),
    line(
      "callback jobs",
      `${countText(callbackJobs.jobs)}, ${countText(callbackJobs.inFlight)} in flight${oldest}`,
    ),
    line("media jobs", countText(summary.mediaJobs)),
    ...(summary.bodies === null ? [] : [line("bodies", countText(summary.bodies))]),
    ...(acknowledged === null
      ? []
      : [
          line(
            "acknowledged",
            `${countText(acknowledged.ids)}: ${countText(acknowledged.settled)} settled, ${countText(acknowledged.inFlight)} in flight`,
          ),
        ]),
    summary.violations === 0
      ? "Nothing is wrong in Redis and the catalogue.\n"
      : `${countOf(summary.violations, "violation")}, named above.\n`,
  ].join("");
}
