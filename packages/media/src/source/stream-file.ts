import { AppError } from "@reelgate/shared/errors";
import { describeUrl } from "../http/describe-url.ts";
import { BLOCK_BYTES, type BlockCache } from "./block-cache.ts";
import { isBrokenConnection, type OriginReads } from "./origin-reads.ts";

/** Connections that may break without a single new byte before the stream gives up. */
const MAX_FRUITLESS_TRIES = 3;

/**
 * All bytes of a file from `offset` on. What the cache holds comes from there; a connection that breaks is taken up
 * where it broke.
 */
export async function* streamFile(
  reads: OriginReads,
  cache: BlockCache,
  offset: number,
  sizeBytes: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  let position = offset;
  for (;;) {
    const cached = cache.get(Math.floor(position / BLOCK_BYTES));
    if (cached === undefined || position >= sizeBytes) {
      break;
    }
    const piece = cached.subarray(position % BLOCK_BYTES);
    position += piece.length;
    yield piece;
  }
  let fruitlessTries = 0;
  while (position < sizeBytes) {
    const before = position;
    const response = await reads.open(position, null);
    // An origin that ignores ranges begins at 0 again.
    let toSkip = response.status === 200 ? position : 0;
    try {
      for await (const piece of reads.pieces(response)) {
        const skipped = Math.min(toSkip, piece.length);
        toSkip -= skipped;
        if (skipped < piece.length) {
          position += piece.length - skipped;
          yield skipped === 0 ? piece : piece.subarray(skipped);
        }
      }
    } catch (error) {
      if (!isBrokenConnection(error)) {
        throw error;
      }
    } finally {
      await response.close();
    }
    fruitlessTries = position === before ? fruitlessTries + 1 : 0;
    if (fruitlessTries === MAX_FRUITLESS_TRIES) {
      throw new AppError("media_connection_failed", {
        message: `${describeUrl(response.finalUrl)}: the connection broke ${MAX_FRUITLESS_TRIES} times at byte ${position}.`,
      });
    }
  }
}
