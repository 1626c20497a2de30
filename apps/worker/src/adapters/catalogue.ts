import type { CatalogueDatabase } from "@reelgate/catalogue/database";
import {
  getMediaTarget,
  listPendingMediaJobs,
  recordMediaFailure,
  recordMediaReport,
} from "@reelgate/catalogue/media-state";
import { replayCallback } from "@reelgate/catalogue/replay";
import { isStatementTimeout } from "@reelgate/catalogue/failures";
import { settleCallback, settleCallbacks } from "@reelgate/catalogue/settle";
import type { CallbackToSettle, Settlement } from "@reelgate/catalogue/settle";
import { AppError } from "@reelgate/shared/errors";
import { MicroBatcher } from "@reelgate/shared/micro-batcher";
import type { CallbackCatalogue, MediaCatalogue } from "../ports.ts";

export interface PostgresCatalogueOptions {
  /** Most callbacks that one transaction settles. */
  maxBatchSize: number;
  /** Transactions that settle callbacks at a time. */
  maxBatchesInFlight: number;
  /** A transaction that settles callbacks has ended, whatever came of it. */
  onBatch: (callbacks: number) => void;
}

/** The catalogue's functions bound to one pool of connections. */
export function postgresCatalogue(
  db: CatalogueDatabase,
  options: PostgresCatalogueOptions,
): CallbackCatalogue & MediaCatalogue {
  return {
    settle: settlerInBatches(db, options),
    replay: (callback) => replayCallback(db, callback),
    target: (job) => getMediaTarget(db, job),
    report: (job, report, stored, durationMs) =>
      recordMediaReport(db, job, report, stored, durationMs),
    failure: (job, failure) => recordMediaFailure(db, job, failure),
    pendingJobs: (options) => listPendingMediaJobs(db, options),
  };
}

/**
 * Concurrent callbacks share a transaction, and none fails for another. A row that Postgres refuses for ever, or that
 * our own code cannot write, is found by settling each of its batch alone, one after the other: that takes milliseconds.
 * When the batch waited in vain for a row that somebody keeps locked, all of them go alone at once, so that only those of
 * that recording wait on; and one that has waited in vain alone goes alone from then on, for in a batch it would hold up
 * others again.
 */
function settlerInBatches(
  db: CatalogueDatabase,
  { maxBatchSize, maxBatchesInFlight, onBatch }: PostgresCatalogueOptions,
): CallbackCatalogue["settle"] {
  const batcher = new MicroBatcher<CallbackToSettle, Settlement>({
    run: (callbacks) => settleCallbacks(db, callbacks),
    maxSize: maxBatchSize,
    maxInFlight: maxBatchesInFlight,
    // What is no AppError is a defect of this code, which some row brought out.
    isolates: (error) => !(error instanceof AppError) || error.code === "catalogue_rejected",
    onBatch,
  });
  const lockedOut = new Set<string>();
  const settleAlone = async (callback: CallbackToSettle): Promise<Settlement> => {
    try {
      const settlement = await settleCallback(db, callback);
      lockedOut.delete(callback.id);
      return settlement;
    } catch (error) {
      if (isStatementTimeout(error)) lockedOut.add(callback.id);
      else lockedOut.delete(callback.id);
      throw error;
    }
  };
  return async (callback) => {
    if (lockedOut.has(callback.id)) return await settleAlone(callback);
    try {
      return await batcher.submit(callback);
    } catch (error) {
      if (!isStatementTimeout(error)) throw error;
      return await settleAlone(callback);
    }
  };
}
