import type { MediaClient } from "../http/media-client.ts";
import type { OnProgress } from "./download-progress.ts";
import type { LowSpeed } from "../http/speed-watch.ts";
import type { Staging } from "./staging/open-staging.ts";

/** What fetching a copy into its staging folder needs to know. */
export interface DownloadTask {
  client: MediaClient;
  /** Checked by the guard. */
  url: URL;
  staging: Staging;
  /** Aborts when the caller does, and when another process took over. */
  signal: AbortSignal;
  onProgress: OnProgress;
  /** All files of the copy together. */
  maxBytes: number;
  /** Failures of one file in a row. */
  maxFailures: number;
  lowSpeed: LowSpeed;
}
