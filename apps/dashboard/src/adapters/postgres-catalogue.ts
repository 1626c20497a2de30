import { getCallback, listCallbacks } from "@reelgate/catalogue/callback-log";
import type { CatalogueDatabase } from "@reelgate/catalogue/database";
import { requestRetry } from "@reelgate/catalogue/media-state";
import { getRecording, listRecordings } from "@reelgate/catalogue/recordings";
import { countCatalogue } from "@reelgate/catalogue/stats";
import type { Recording } from "@reelgate/shared/contract/recording";
import { AppError } from "@reelgate/shared/errors";
import { redactJson } from "@reelgate/shared/redact";
import type { Catalogue } from "../ports.ts";

export function postgresCatalogue(db: CatalogueDatabase): Catalogue {
  return {
    listRecordings: async (filter, page) => {
      const { items, nextCursor } = await queried(listRecordings(db, filter, page));
      return { items: items.map(redactedExt), nextCursor };
    },
    getRecording: async (id) => {
      const recording = await queried(getRecording(db, id));
      return recording === null ? null : redactedExt(recording);
    },
    requestRetry: (id) => queried(requestRetry(db, id)),
    listCallbacks: (filter, page) => queried(listCallbacks(db, filter, page)),
    getCallback: (id) => queried(getCallback(db, id)),
    count: () => countCatalogue(db),
  };
}

/**
 * `callback_ext` is JSON of whoever pushed the stream: it may hold secrets (guarantee G6), and it may nest so deeply
 * that a page with it could not be written.
 */
function redactedExt<R extends Recording>(recording: R): R {
  return { ...recording, callbackExt: redactJson(recording.callbackExt) };
}

/** These statements carry nothing but the caller's own values: what Postgres refuses in them is one of those. */
async function queried<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof AppError && error.code === "catalogue_rejected") {
      throw new AppError("invalid_query", { cause: error });
    }
    throw error;
  }
}
