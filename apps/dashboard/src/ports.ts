import type { BulkRetryPage } from "@reelgate/catalogue/bulk-retry";
import type { CallbackFilter } from "@reelgate/catalogue/callback-log";
import type { RetryRequest } from "@reelgate/catalogue/media-state";
import type { CatalogueOverview } from "@reelgate/catalogue/overview";
import type { PageRequest } from "@reelgate/catalogue/page";
import type { Playable, RecordingFilter } from "@reelgate/catalogue/recordings";
import type { QueueDepth } from "@reelgate/shared/contract/overview";
import type {
  Callback,
  Page,
  Recording,
  RecordingWithCallbacks,
  Stats,
} from "@reelgate/shared/contract/recording";

/**
 * The catalogue as the API needs it.
 *
 * Every function throws AppError `catalogue_unavailable` when Postgres is away, and `invalid_query` for a value that it
 * cannot take, such as a cursor that it did not make.
 */
export interface Catalogue {
  listRecordings(filter: RecordingFilter, page: PageRequest): Promise<Page<Recording>>;
  getRecording(id: string): Promise<RecordingWithCallbacks | null>;
  getPlayable(id: string): Promise<Playable | null>;
  requestRetry(id: string): Promise<RetryRequest>;
  requestRetries(filter: RecordingFilter, page: PageRequest): Promise<BulkRetryPage>;
  listCallbacks(filter: CallbackFilter, page: PageRequest): Promise<Page<Callback>>;
  getCallback(id: string): Promise<Callback | null>;
  count(): Promise<Pick<Stats, "callbacks" | "recordings">>;
  overview(windowMinutes: number): Promise<CatalogueOverview>;
}

export type QueueCounts = Stats["queues"][string];

/** How many jobs each queue holds, by state. Rejects when Redis is away. */
export interface QueueCounter {
  count(): Promise<Record<string, QueueCounts>>;
  depths(): Promise<Record<string, QueueDepth>>;
}
