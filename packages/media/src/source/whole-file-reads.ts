import { AppError } from "@reelgate/shared/errors";
import { describeUrl } from "../http/describe-url.ts";
import type { MediaResponse } from "../http/media-response.ts";
import { BLOCK_BYTES, type BlockCache } from "./block-cache.ts";
import { type BlockCutter, createBlockCutter } from "./block-cutter.ts";
import type { OriginReads } from "./origin-reads.ts";

/**
 * An origin that ignores ranges sends the whole file each time: then it is read forwards on one answer for as long as
 * readers go forwards, and from its beginning again when one goes back further than the cache does.
 */
export interface WholeFileReads {
  /** Brings the blocks up to and including `last` into the cache, as far as the file reaches. */
  load(first: number, last: number): Promise<void>;
  /** Reads to the end to learn the size, for an origin that does not tell it. */
  measure(maxBytes: number): Promise<number>;
  close(): Promise<void>;
}

interface Cursor {
  response: MediaResponse;
  pieces: AsyncGenerator<Uint8Array, void, undefined>;
  cutter: BlockCutter;
  ended: boolean;
}

/** Goes on with `first`, a 200 of which nothing has been read. */
export function createWholeFileReads(
  reads: OriginReads,
  cache: BlockCache,
  first: MediaResponse,
): WholeFileReads {
  let cursor: Cursor | null = start(first);

  function start(response: MediaResponse): Cursor {
    return {
      response,
      pieces: reads.pieces(response),
      cutter: createBlockCutter(0, (block, bytes) => cache.set(block, bytes)),
      ended: false,
    };
  }

  async function step(at: Cursor): Promise<void> {
    try {
      const next = await at.pieces.next();
      if (next.done === true) {
        at.cutter.end();
        at.ended = true;
      } else {
        at.cutter.push(next.value);
      }
    } catch (error) {
      // Whoever tries again begins with a new answer.
      cursor = null;
      throw error;
    }
  }

  async function close(): Promise<void> {
    const open = cursor;
    cursor = null;
    await open?.response.close();
  }

  return {
    close,
    async load(firstBlock, last): Promise<void> {
      if (cursor === null || cursor.ended || cursor.cutter.position > firstBlock * BLOCK_BYTES) {
        await close();
        const response = await reads.open(0, null);
        if (response.status !== 200) {
          await response.close();
          throw new AppError("media_bad_response", {
            message: `${describeUrl(response.finalUrl)}: the origin takes ranges now and then.`,
          });
        }
        cursor = start(response);
      }
      const at = cursor;
      while (!at.ended && at.cutter.position < (last + 1) * BLOCK_BYTES) {
        await step(at);
      }
    },
    async measure(maxBytes): Promise<number> {
      const at = cursor;
      if (at !== null) {
        while (!at.ended && at.cutter.position <= maxBytes) {
          await step(at);
        }
      }
      if (at?.ended !== true) {
        throw new AppError("media_bad_response", {
          message: `${describeUrl(first.finalUrl)}: the origin does not say how large the file is.`,
        });
      }
      return at.cutter.position;
    },
  };
}
