import type { MediaQueue } from "@reelgate/shared/contract/jobs";
import type { Clock, MediaCatalogue, SweepTurn, WorkerEvents } from "../ports.ts";

export interface SweepDeps {
  catalogue: MediaCatalogue;
  mediaQueue: MediaQueue;
  turn: SweepTurn;
  clock: Clock;
  events: WorkerEvents;
}

/** Younger recordings are in the hands of the worker that settles them. */
const SETTLING_MS = 60_000;
const PAGE_SIZE = 500;

/**
 * Puts every recording that is pending in front of stage 2 again. For those that are queued, delayed or being worked
 * on this changes nothing, for the job id is the same; those whose job was lost (Redis emptied or restored from an old
 * backup, an operator's hand) come back. Without this, such a recording would stay pending for ever: silently missing.
 */
export async function sweepPending(deps: SweepDeps, signal: AbortSignal): Promise<number> {
  if (!(await deps.turn.take())) return 0;
  const receivedBefore = new Date(deps.clock.nowMs() - SETTLING_MS).toISOString();
  let afterId = "0";
  let swept = 0;
  while (!signal.aborted) {
    const jobs = await deps.catalogue.pendingJobs({ receivedBefore, afterId, limit: PAGE_SIZE });
    await Promise.all(jobs.map((job) => deps.mediaQueue.enqueue(job)));
    swept += jobs.length;
    const last = jobs.at(-1);
    if (last === undefined || jobs.length < PAGE_SIZE) break;
    afterId = last.recordingId;
  }
  deps.events.pendingSwept(swept);
  return swept;
}
