import { sql } from "kysely";
import type { MediaJob } from "@reelgate/shared/contract/jobs";
import type { CatalogueDatabase } from "./database.ts";
import { catalogued } from "./failures.ts";
import type { PageRequest } from "./page.ts";
import { listRecordingRows } from "./recordings.ts";
import type { RecordingFilter } from "./recordings.ts";

export interface BulkRetryPage {
  /** Of the recordings that are pending now. */
  jobs: MediaJob[];
  /** Recordings of the page that were pending already, or left the filter's state before they could be retried. */
  skipped: number;
  nextCursor: string | null;
}

/**
 * Sends the recordings of one page of a list back to pending, all in one statement. A recording that leaves the list
 * with that (of those that are failed, say) moves none of the others: the cursor is a place and no number.
 *
 * The rows are locked in the order of their ids, so that two such calls wait for each other and never deadlock. The
 * filter's state is asked for again under the lock: a look may have ended since the list was read.
 *
 * @throws AppError `invalid_query` for a foreign cursor, `catalogue_unavailable` (none was retried).
 */
export async function requestRetries(
  db: CatalogueDatabase,
  filter: RecordingFilter,
  page: PageRequest,
): Promise<BulkRetryPage> {
  const { items, nextCursor } = await listRecordingRows(db, filter, page);
  const ids = items.filter(({ state }) => state !== "pending").map(({ id }) => id);
  const isStill = filter.state === undefined ? sql`true` : sql`state = ${filter.state}`;
  const { rows } = await catalogued(() =>
    sql<{ id: string; generation: number }>`
      with locked as materialized (
        select id from recordings
        where id = any(${ids}::bigint[]) and state <> 'pending' and ${isStill} order by id for update)
      update recordings set state = 'pending', media_generation = media_generation + 1, media_attempts = 0,
        failure_code = null, failure_message = null, failed_at = null
      from locked where recordings.id = locked.id
      returning recordings.id, media_generation as generation`.execute(db),
  );
  return {
    jobs: rows.map(({ id, generation }) => ({ recordingId: id, generation })),
    skipped: items.length - rows.length,
    nextCursor,
  };
}
