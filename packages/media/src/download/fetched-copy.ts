import type { MediaReport } from "@reelgate/shared/contract/media";
import type { StagedCopy } from "../storage/storage.ts";

/** A copy that is fetched and flushed, and not yet verified as a whole. */
export interface FetchedCopy {
  copy: StagedCopy;
  /** What is looked at to verify it: the file, or the playlist in the folder. */
  entry: string;
  /** Puts what was found while fetching into the report about what was fetched. */
  complete: (report: MediaReport) => MediaReport;
}
