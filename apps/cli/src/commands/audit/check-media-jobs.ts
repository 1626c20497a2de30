import { setTimeout as delay } from "node:timers/promises";
import { QUEUES, mediaJobId } from "@reelgate/shared/contract/jobs";
import type { MediaJob } from "@reelgate/shared/contract/jobs";
import type { AuditContext } from "./audit-context.ts";
import { withProgress } from "./audit-context.ts";

const PAGE_SIZE = 1000;
/** A sweep follows the last one within six minutes, and leaves recordings of the last minute alone. */
const SWEEP_MS = 420_000;
/** A recording is pending before its job is queued, for milliseconds. */
const SECOND_LOOK_AFTER_MS = 2000;
/** So many suspects wait for their second look at most. */
const MAX_SUSPECTS = 10_000;

/** Every recording that is pending, but for the youngest, must have a job that is on its way. */
export async function checkPending(context: AuditContext): Promise<number> {
  const receivedBefore = new Date(Date.now() - SWEEP_MS).toISOString();
  return await withProgress(context, "Pending recordings", 0, async (update) => {
    let pending = 0;
    let afterId = "0";
    let suspects: MediaJob[] = [];
    for (;;) {
      const jobs = await context.catalogue.pendingJobs({
        receivedBefore,
        afterId,
        limit: PAGE_SIZE,
      });
      suspects.push(...(await withoutJob(context, jobs)));
      pending += jobs.length;
      update(pending);
      const last = jobs.at(-1);
      const isOver = last === undefined || jobs.length < PAGE_SIZE;
      if (suspects.length >= MAX_SUSPECTS || (isOver && suspects.length > 0)) {
        await lookAgain(context, suspects);
        suspects = [];
      }
      if (isOver) return pending;
      afterId = last.recordingId;
    }
  });
}

/** A kept job that has ended swallows the sweep's new one: it counts as none. */
async function withoutJob(
  { jobs: redis }: AuditContext,
  jobs: readonly MediaJob[],
): Promise<MediaJob[]> {
  const glances = await redis.glance(QUEUES.media, jobs.map(mediaJobId));
  return jobs.filter((_job, index) => glances[index]?.place !== "in_flight");
}

async function lookAgain(context: AuditContext, suspects: readonly MediaJob[]): Promise<void> {
  await delay(SECOND_LOOK_AFTER_MS, undefined, { signal: context.io.signal });
  for (let start = 0; start < suspects.length; start += PAGE_SIZE) {
    for (const job of await withoutJob(context, suspects.slice(start, start + PAGE_SIZE))) {
      if (!(await context.catalogue.isPending(job))) continue;
      await context.report.add({
        kind: "media_job_missing",
        id: job.recordingId,
        where: "catalogue",
        detail: `it is pending, and Redis has no open job ${mediaJobId(job)}; a worker's sweep queues one within six minutes`,
      });
    }
  }
}

/** Every media job must be about a recording that is there. */
export async function checkMediaJobs(context: AuditContext, total: number): Promise<number> {
  const { jobs, catalogue, report } = context;
  return await withProgress(context, "Media jobs", total, async (update) => {
    let checked = 0;
    for await (const ids of jobs.mediaIds()) {
      const known = await catalogue.recordingsAmong(ids.map(recordingIdOf));
      const suspects = ids.filter((id) => !known.has(recordingIdOf(id)));
      for (const { id, place } of await jobs.glance(QUEUES.media, suspects)) {
        if (place === "gone") continue;
        await report.add({
          kind: "media_job_orphaned",
          id,
          where: "queue media",
          detail: `there is no recording ${recordingIdOf(id)}`,
        });
      }
      checked += ids.length;
      update(checked);
    }
    return checked;
  });
}

const recordingIdOf = (jobId: string): string => jobId.split("-")[1] ?? "";
