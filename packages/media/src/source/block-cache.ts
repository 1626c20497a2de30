/** Granularity of what is fetched and kept. 64 KiB reads are four of these; a look at one far header is one. */
export const BLOCK_BYTES = 16_384;

/** 4 MiB: a walk over a file never holds more of it, however long it takes. */
const MAX_BLOCKS = 256;
/** The first 64 KiB stay: every reader comes back to the head, and over an origin without ranges it is far away. */
const PINNED_BLOCKS = 4;

/** The blocks of one file that were fetched last, and its head. */
export interface BlockCache {
  get(block: number): Uint8Array | undefined;
  set(block: number, bytes: Uint8Array): void;
}

/** Creates an empty cache. What was not used for longest goes first. */
export function createBlockCache(): BlockCache {
  const pinned = new Map<number, Uint8Array>();
  const recent = new Map<number, Uint8Array>();
  return {
    get(block): Uint8Array | undefined {
      const bytes = recent.get(block);
      if (bytes === undefined) {
        return pinned.get(block);
      }
      // A Map keeps the order of insertion: what is put in again is the youngest.
      recent.delete(block);
      recent.set(block, bytes);
      return bytes;
    },
    set(block, bytes): void {
      if (block < PINNED_BLOCKS) {
        pinned.set(block, bytes);
        return;
      }
      recent.delete(block);
      recent.set(block, bytes);
      const [oldest] = recent.keys();
      if (recent.size > MAX_BLOCKS && oldest !== undefined) {
        recent.delete(oldest);
      }
    },
  };
}
