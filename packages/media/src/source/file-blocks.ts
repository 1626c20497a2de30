import { AppError } from "@reelgate/shared/errors";
import { describeUrl } from "../http/describe-url.ts";
import type { MediaResponse } from "../http/media-response.ts";
import { BLOCK_BYTES, type BlockCache } from "./block-cache.ts";
import { createBlockCutter } from "./block-cutter.ts";
import { type OriginReads, withBrokenConnectionsRetried } from "./origin-reads.ts";
import { createWholeFileReads, type WholeFileReads } from "./whole-file-reads.ts";

/** Brings blocks of a file into a cache, by ranges as long as the origin takes them. */
export interface FileBlocks {
  /** Fetches the blocks from `first` to `last` that the file has. */
  load(first: number, last: number): Promise<void>;
  /** Learns the size from an origin that does not tell it. Throws AppError `media_bad_response` when it cannot. */
  measure(): Promise<number>;
  close(): Promise<void>;
}

/** A file of unknown size is read to its end to learn it, up to here: what is longer is no file but a stream. */
const MAX_MEASURED_BYTES = 16_777_216;

/** Goes on with the answer to the first request, of which nothing has been read. */
export function createFileBlocks(
  reads: OriginReads,
  cache: BlockCache,
  first: MediaResponse,
  signal: AbortSignal,
): FileBlocks {
  let unread: MediaResponse | null = first;
  let whole: WholeFileReads | null = null;

  async function loadOnce(firstBlock: number, lastBlock: number): Promise<void> {
    if (whole !== null) {
      await whole.load(firstBlock, lastBlock);
      return;
    }
    const start = firstBlock * BLOCK_BYTES;
    const end = (lastBlock + 1) * BLOCK_BYTES;
    const cutter = createBlockCutter(start, (block, bytes) => cache.set(block, bytes));
    // A part may be shorter than what was asked for (RFC 9110, 15.3.7): the rest is asked for again.
    while (cutter.position < end) {
      const before = cutter.position;
      const response = unread ?? (await reads.open(before, end - 1));
      unread = null;
      if (response.status === 200) {
        whole = createWholeFileReads(reads, cache, response);
        await whole.load(firstBlock, lastBlock);
        return;
      }
      for await (const piece of reads.pieces(response)) {
        cutter.push(piece);
      }
      if (response.totalSizeBytes === null || cutter.position >= response.totalSizeBytes) {
        break;
      }
      if (cutter.position === before) {
        throw new AppError("media_bad_response", {
          message: `${describeUrl(response.finalUrl)}: a part without bytes.`,
        });
      }
    }
    cutter.end();
  }

  return {
    load: async (firstBlock, lastBlock) =>
      await withBrokenConnectionsRetried(signal, () => loadOnce(firstBlock, lastBlock)),
    async measure(): Promise<number> {
      const sizeBytes = await whole?.measure(MAX_MEASURED_BYTES);
      if (sizeBytes === undefined) {
        throw new AppError("media_bad_response", {
          message: `${describeUrl(first.finalUrl)}: the origin does not say how large the file is.`,
        });
      }
      return sizeBytes;
    },
    async close(): Promise<void> {
      await unread?.close();
      await whole?.close();
    },
  };
}
