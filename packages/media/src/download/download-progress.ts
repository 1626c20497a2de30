/** How far a download is. Bytes and files count those that a run before has fetched too. */
export interface DownloadProgress {
  phase: "fetching" | "verifying" | "storing";
  bytesDone: number;
  /** Null while it is not known. */
  bytesTotal: number | null;
  filesDone: number;
  filesTotal: number | null;
}

/** Called often, up to thousands of times a second: must be cheap, and thin out what it passes on. */
export type OnProgress = (progress: DownloadProgress) => void;
