import type { CatalogueDatabase } from "@reelgate/catalogue/database";
import {
  getMediaTarget,
  listPendingMediaJobs,
  recordMediaFailure,
  recordMediaReport,
} from "@reelgate/catalogue/media-state";
import { replayCallback } from "@reelgate/catalogue/replay";
import { settleCallback } from "@reelgate/catalogue/settle";
import type { CallbackCatalogue, MediaCatalogue } from "../ports.ts";

/** The catalogue's functions bound to one pool of connections. */
export function postgresCatalogue(db: CatalogueDatabase): CallbackCatalogue & MediaCatalogue {
  return {
    settle: (callback) => settleCallback(db, callback),
    replay: (callback) => replayCallback(db, callback),
    target: (job) => getMediaTarget(db, job),
    report: (job, report, stored, durationMs) =>
      recordMediaReport(db, job, report, stored, durationMs),
    failure: (job, failure) => recordMediaFailure(db, job, failure),
    pendingJobs: (options) => listPendingMediaJobs(db, options),
  };
}
