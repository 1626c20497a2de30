import { QUEUES } from "@reelgate/shared/contract/jobs";
import type { JobGlance } from "../../ports.ts";
import { ageText } from "../../text/quantities.ts";
import type { AuditContext } from "./audit-context.ts";
import { withProgress } from "./audit-context.ts";

export interface CallbackJobsFound {
  jobs: number;
  /** Those that have no outcome yet. */
  inFlight: number;
  oldestInFlightMs: number | null;
}

/**
 * Holds the jobs of stage 1 against the catalogue (guarantee G2): a job that is done has an outcome, none has failed for
 * good, and none waits for ever.
 *
 * Redis is read before Postgres: an outcome is committed before its job ends, so a job that is done and has none never
 * had one. Retention, which may remove both between the two reads, is told apart by a second look.
 */
export async function checkCallbackJobs(
  context: AuditContext,
  total: number,
): Promise<CallbackJobsFound> {
  const found: CallbackJobsFound = { jobs: 0, inFlight: 0, oldestInFlightMs: null };
  await withProgress(context, "Callback jobs", total, async (update) => {
    for await (const ids of context.jobs.failedCallbackIds()) {
      for (const id of ids) {
        await context.report.add({
          kind: "callback_failed",
          id,
          where: "queue callbacks",
          detail:
            "its job has failed for good: nobody tries it again, and its id swallows redeliveries",
        });
      }
    }
    for await (const ids of context.jobs.callbackIds()) {
      const unsettled = await withoutOutcome(context, ids);
      found.jobs += ids.length;
      note(
        found,
        unsettled.filter(({ place }) => place === "in_flight"),
      );
      const suspects = unsettled.filter((job) => complaintOf(job, context.stuckAfterMs) !== null);
      for (const job of await withoutOutcome(
        context,
        suspects.map(({ id }) => id),
      )) {
        const complaint = complaintOf(job, context.stuckAfterMs);
        if (complaint === null) continue;
        await context.report.add({ ...complaint, id: job.id, where: "queue callbacks" });
      }
      update(found.jobs);
    }
  });
  return found;
}

async function withoutOutcome(
  { jobs, catalogue }: AuditContext,
  ids: readonly string[],
): Promise<JobGlance[]> {
  const there = (await jobs.glance(QUEUES.callbacks, ids)).filter(({ place }) => place !== "gone");
  const settled = await catalogue.settledAmong(there.map(({ id }) => id));
  return there.filter(({ id }) => !settled.has(id));
}

function note(found: CallbackJobsFound, inFlight: readonly JobGlance[]): void {
  found.inFlight += inFlight.length;
  for (const { addedAtMs } of inFlight) {
    const ageMs = ageOf(addedAtMs);
    if (ageMs > (found.oldestInFlightMs ?? -1)) found.oldestInFlightMs = ageMs;
  }
}

const ageOf = (addedAtMs: number | null): number =>
  addedAtMs === null ? 0 : Math.max(Date.now() - addedAtMs, 0);

function complaintOf(
  { place, addedAtMs }: JobGlance,
  stuckAfterMs: number,
): { kind: "callback_lost" | "callback_stuck"; detail: string } | null {
  switch (place) {
    case "completed":
      return {
        kind: "callback_lost",
        detail: "its job is done, and the catalogue has no outcome of it",
      };
    case "in_flight": {
      const ageMs = ageOf(addedAtMs);
      if (ageMs < stuckAfterMs) return null;
      return { kind: "callback_stuck", detail: `it has waited ${ageText(ageMs)} for its outcome` };
    }
    // Found by the list of those that have failed; or gone since.
    case "failed":
    case "gone":
      return null;
    default:
      return place satisfies never;
  }
}
