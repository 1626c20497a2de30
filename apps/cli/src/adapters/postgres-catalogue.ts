import {
  alteredCallbacks,
  auditExtent,
  faultyRecordings,
  nextAuditRange,
  recordingsAmong,
  settledAmong,
} from "@reelgate/catalogue/audit";
import { getCallback } from "@reelgate/catalogue/callback-log";
import {
  getStoredCallback,
  searchCallbacks,
  searchStoredCallbacks,
} from "@reelgate/catalogue/callback-search";
import type { CatalogueDatabase } from "@reelgate/catalogue/database";
import {
  getMediaTarget,
  listPendingMediaJobs,
  requestRetry,
} from "@reelgate/catalogue/media-state";
import {
  countLooksBefore,
  deleteCallbacks,
  deleteLooks,
  lastPrunableSeq,
  prunableCallbacks,
} from "@reelgate/catalogue/prune";
import { getRecording, listRecordings } from "@reelgate/catalogue/recordings";
import type { AuditCatalogue, Catalogue, PruneCatalogue } from "../ports.ts";

/** The catalogue's functions bound to one pool of connections. */
export function postgresCatalogue(db: CatalogueDatabase): Catalogue {
  return {
    listRecordings: (filter, page) => listRecordings(db, filter, page),
    getRecording: (id) => getRecording(db, id),
    requestRetry: (id) => requestRetry(db, id),
    searchCallbacks: (search, page) => searchCallbacks(db, search, page),
    getCallback: (id) => getCallback(db, id),
    searchStoredCallbacks: (search, page) => searchStoredCallbacks(db, search, page),
    getStoredCallback: (id) => getStoredCallback(db, id),
  };
}

export function postgresAuditCatalogue(db: CatalogueDatabase): AuditCatalogue {
  return {
    extent: () => auditExtent(db),
    nextRange: (table, after, limit) => nextAuditRange(db, table, after, limit),
    faultyRecordings: (range) => faultyRecordings(db, range),
    alteredCallbacks: (range) => alteredCallbacks(db, range),
    settledAmong: (ids) => settledAmong(db, ids),
    recordingsAmong: (ids) => recordingsAmong(db, ids),
    pendingJobs: (options) => listPendingMediaJobs(db, options),
    isPending: async (job) => (await getMediaTarget(db, job)) !== null,
  };
}

export function postgresPruneCatalogue(db: CatalogueDatabase): PruneCatalogue {
  return {
    lastPrunableSeq: (before) => lastPrunableSeq(db, before),
    prunableCallbacks: (window, range) => prunableCallbacks(db, window, range),
    deleteCallbacks: (ids, before) => deleteCallbacks(db, ids, before),
    deleteLooks: (window) => deleteLooks(db, window),
    countLooksBefore: (before) => countLooksBefore(db, before),
  };
}
