import { requestRetries } from "@reelgate/catalogue/bulk-retry";
import { getCallback, listCallbacks } from "@reelgate/catalogue/callback-log";
import type { CatalogueDatabase } from "@reelgate/catalogue/database";
import { requestRetry } from "@reelgate/catalogue/media-state";
import { overviewOf } from "@reelgate/catalogue/overview";
import { getPlayable, getRecording, listRecordings } from "@reelgate/catalogue/recordings";
import { countCatalogue } from "@reelgate/catalogue/stats";
import { costlyReading } from "@reelgate/shared/costly-reading";
import { AppError } from "@reelgate/shared/errors";
import type { Catalogue } from "../ports.ts";

/**
 * All counts took 3 s with 10 million recordings and as many callbacks (npm run bench -- growth --only operations): asked
 * for every second, they would keep a core of Postgres busy for good, so that they then rest for half a minute.
 */
const COUNTS = { cheapMs: 250, restFactor: 10 };

export function postgresCatalogue(db: CatalogueDatabase): Catalogue {
  return {
    listRecordings: (filter, page) => queried(listRecordings(db, filter, page)),
    getRecording: (id) => queried(getRecording(db, id)),
    getPlayable: (id) => queried(getPlayable(db, id)),
    requestRetry: (id) => queried(requestRetry(db, id)),
    requestRetries: (filter, page) => queried(requestRetries(db, filter, page)),
    listCallbacks: (filter, page) => queried(listCallbacks(db, filter, page)),
    getCallback: (id) => queried(getCallback(db, id)),
    count: costlyReading(() => countCatalogue(db), COUNTS),
    overview: (windowMinutes) => overviewOf(db, windowMinutes),
  };
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
