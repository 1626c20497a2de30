/** One file of a copy that waits for publication. */
export interface StagedFile {
  /** Below the folder of the copy, with `/` between the parts. */
  name: string;
  sizeBytes: number;
  /** Lower-case hexadecimal. */
  sha256: string;
}

/**
 * A whole and verified copy on a local disk, flushed to it. `sizeBytes` is all of it; `sha256` that of the file, or of
 * the SHA256SUMS in the folder, which names all others.
 */
export type StagedCopy =
  | { kind: "file"; path: string; sizeBytes: number; sha256: string }
  | {
      kind: "folder";
      path: string;
      /** In the order of publication: what makes the others visible comes last. */
      files: readonly StagedFile[];
      sizeBytes: number;
      sha256: string;
    };

export interface PublishOptions {
  signal: AbortSignal;
  /** Bytes and files that the storage has so far. */
  onProgress?: (bytesDone: number, filesDone: number) => void;
}

/**
 * Where copies are kept for good. Nothing stands under a final name before `publish` is called, and `publish` is only
 * called with what was verified (guarantee G4).
 */
export interface Storage {
  /** A folder on a local disk in which copies are made. It may lie inside the storage, hidden. */
  readonly stagingRoot: string;
  /**
   * Puts a copy under its final name and returns its URL once it is durable. A name that is taken by the same bytes
   * counts as published: an earlier try may have ended right behind it. Never overwrites.
   *
   * The staged files may be gone or stay; whoever staged them removes them.
   *
   * @param name As `copyName` gives it, with the extension.
   * @throws AppError `storage_conflict` when other bytes have the name, `storage_full`, `storage_refused` or
   *   `storage_unavailable`; the reason of the signal when that aborts.
   */
  publish(copy: StagedCopy, name: string, options: PublishOptions): Promise<{ url: string }>;
  close(): Promise<void>;
}
