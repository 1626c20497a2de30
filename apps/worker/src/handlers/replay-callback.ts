import type { CallbackToSettle } from "@reelgate/catalogue/settle";
import type { CallbackJob, MediaQueue } from "@reelgate/shared/contract/jobs";
import { AppError } from "@reelgate/shared/errors";
import type { CallbackCatalogue, Clock, ReplayEnd, WorkerEvents } from "../ports.ts";
import { judgedCallback } from "./judged-callback.ts";
import { whileCatalogueAway } from "./while-catalogue-away.ts";

export interface ReplayCallbackDeps {
  catalogue: Pick<CallbackCatalogue, "replay">;
  mediaQueue: MediaQueue;
  clock: Clock;
  events: WorkerEvents;
}

/**
 * Judges a settled callback again, for an operator whose worker understands more than the one that settled it, and
 * queues the media job of its recording if that is pending. Run any number of times it changes at most once.
 *
 * @throws what keeps the outcome or the media job from being written; the job then runs again.
 */
export async function replayCallback(
  deps: ReplayCallbackDeps,
  job: CallbackJob,
  signal: AbortSignal,
): Promise<ReplayEnd> {
  const callback = judgedCallback(job);
  const replay = await whileCatalogueAway(deps, signal, () => replayOrLeave(deps, callback));
  if ("mediaJob" in replay && replay.mediaJob !== null) {
    await deps.mediaQueue.enqueue(replay.mediaJob);
  }
  deps.events.callbackReplayed(callback.id, replay);
  return replay;
}

async function replayOrLeave(
  deps: ReplayCallbackDeps,
  callback: CallbackToSettle,
): Promise<ReplayEnd> {
  try {
    return await deps.catalogue.replay(callback);
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== "catalogue_rejected") throw error;
    return { kind: "refused", error };
  }
}
