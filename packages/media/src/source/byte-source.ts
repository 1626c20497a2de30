/** How far a read may look ahead. See `ByteSource.read`. */
export interface ReadHint {
  /** Bytes worth fetching at once if anything has to be fetched. Default 65,536; 16,384 for a look at one far header. */
  fetchBytes?: number;
}

/** The most bytes that one `read` gives. Whoever needs more walks, or streams. */
export const MAX_READ_BYTES = 1_048_576;

/**
 * Random access to the bytes of one version of a file, whatever it takes to get them. Reads are cached in blocks, so
 * readers ask for exactly what they need, as often as they like, and backwards too.
 *
 * Every method throws AppError: `media_changed` when the file is another one by now, `media_budget_exceeded` when the
 * budget of the source does not suffice, or what fetching failed with; and the reason of the signal when that aborts.
 */
export interface ByteSource {
  readonly sizeBytes: number;
  /** Bytes that had to be fetched so far, for measuring. */
  readonly fetchedBytes: number;
  /**
   * The bytes from `offset` on, `length` of them (at most MAX_READ_BYTES), fewer only where the file ends: a header that
   * lies across the end comes back short, and that is how its reader knows.
   */
  read(offset: number, length: number, hint?: ReadHint): Promise<Uint8Array>;
  /** All bytes from `offset` to the end of the file in pieces, in one request as long as nothing fails. */
  stream(offset: number): AsyncIterable<Uint8Array>;
}
