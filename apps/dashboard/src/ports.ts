import type { CallbackFilter } from "@reelgate/catalogue/callback-log";
import type { RetryRequest } from "@reelgate/catalogue/media-state";
import type { PageRequest } from "@reelgate/catalogue/page";
import type { RecordingFilter } from "@reelgate/catalogue/recordings";
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
  requestRetry(id: string): Promise<RetryRequest>;
  listCallbacks(filter: CallbackFilter, page: PageRequest): Promise<Page<Callback>>;
  getCallback(id: string): Promise<Callback | null>;
  count(): Promise<Pick<Stats, "callbacks" | "recordings">>;
}

/** How many jobs each queue holds, by state. Rejects when Redis is away. */
export interface QueueCounter {
  count(): Promise<Stats["queues"]>;
}
