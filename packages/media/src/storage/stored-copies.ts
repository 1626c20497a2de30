import type { Readable } from "node:stream";

/** Bytes of a file, both ends included, counted from 0. */
export interface ByteSpan {
  first: number;
  last: number;
}

/** One file of a stored copy, found and not read yet. To be disposed, which also ends what is being read of it. */
export interface StoredFile extends AsyncDisposable {
  sizeBytes: number;
  /** Another one for other bytes (RFC 9110, 8.8.3), in its quotes. */
  etag: string;
  modifiedAt: Date;
  /** Reads some of the very version that was found. Once. */
  read(span: ByteSpan): Promise<Readable>;
}

/** The reading side of a storage. */
export interface StoredCopies {
  /**
   * One file of the copy that the catalogue names.
   *
   * @param storedUrl As `Storage.publish` gave it; of an HLS copy that of its playlist.
   * @param file The name of a file of an HLS copy; null for the file of any other. Untrusted.
   * @returns What it is called, with a way to read it; null when the copy has no such file.
   * @throws AppError `storage_refused` or `storage_unavailable`; the reason of the signal.
   */
  find(storedUrl: string, file: string | null, signal: AbortSignal): Promise<StoredFile | null>;
  close(): Promise<void>;
}
