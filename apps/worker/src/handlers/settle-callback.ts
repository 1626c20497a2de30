import type { CallbackJob, MediaQueue } from "@reelgate/shared/contract/jobs";
import { AppError } from "@reelgate/shared/errors";
import type { CallbackToSettle, Settlement } from "@reelgate/catalogue/settle";
import type { CallbackCatalogue, Clock, WorkerEvents } from "../ports.ts";
import { judgedCallback } from "./judged-callback.ts";
import { whileCatalogueAway } from "./while-catalogue-away.ts";

export interface SettleCallbackDeps {
  catalogue: Pick<CallbackCatalogue, "settle">;
  mediaQueue: MediaQueue;
  clock: Clock;
  events: WorkerEvents;
}

/**
 * Stage 1: gives one callback its outcome and sends its recording to stage 2.
 *
 * Never gives up: an acknowledged callback that failed for good would be lost (guarantee G2). What heals is waited
 * for; a row that Postgres refuses by itself is settled as invalid, with its body kept.
 *
 * @throws what keeps the outcome or the media job from being written; the job then runs again.
 */
export async function settleCallback(
  deps: SettleCallbackDeps,
  job: CallbackJob,
  signal: AbortSignal,
): Promise<Settlement> {
  const callback = judgedCallback(job);
  const settlement = await whileCatalogueAway(deps, signal, () => settleOrRefuse(deps, callback));
  if (settlement.mediaJob !== null) await deps.mediaQueue.enqueue(settlement.mediaJob);
  deps.events.callbackSettled(settlement, {
    callbackId: callback.id,
    receivedAtMs: job.receivedAtMs,
    eventType: callback.eventType,
    endedAtMs:
      callback.verdict.kind === "recording" ? callback.verdict.event.endedAtUs / 1000 : null,
    unknownFields: callback.unknownFields.length,
  });
  return settlement;
}

async function settleOrRefuse(
  deps: SettleCallbackDeps,
  callback: CallbackToSettle,
): Promise<Settlement> {
  try {
    return await deps.catalogue.settle(callback);
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== "catalogue_rejected") throw error;
    deps.events.callbackUnstorable(callback.id, error);
    return await deps.catalogue.settle({
      ...callback,
      unknownFields: [],
      verdict: { kind: "invalid", problems: [{ path: "", message: error.message }] },
    });
  }
}
