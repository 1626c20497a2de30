import { BLOCK_BYTES } from "./block-cache.ts";

/** Cuts pieces of any size, which follow each other in a file, into its blocks. */
export interface BlockCutter {
  /** Position in the file behind all that was pushed. */
  readonly position: number;
  /** Takes the next piece; hands on every block that is complete with it. */
  push(piece: Uint8Array): void;
  /** The file ends here: hands on its last, short block. */
  end(): void;
}

/** Starts at `start`, a multiple of the block size. */
export function createBlockCutter(
  start: number,
  onBlock: (block: number, bytes: Uint8Array) => void,
): BlockCutter {
  let block = start / BLOCK_BYTES;
  let filled = 0;
  let buffer = new Uint8Array(BLOCK_BYTES);
  return {
    get position(): number {
      return block * BLOCK_BYTES + filled;
    },
    push(piece): void {
      for (let taken = 0; taken < piece.length;) {
        const part = piece.subarray(taken, taken + BLOCK_BYTES - filled);
        buffer.set(part, filled);
        filled += part.length;
        taken += part.length;
        if (filled === BLOCK_BYTES) {
          onBlock(block, buffer);
          block += 1;
          filled = 0;
          buffer = new Uint8Array(BLOCK_BYTES);
        }
      }
    },
    end(): void {
      if (filled > 0) {
        onBlock(block, buffer.slice(0, filled));
      }
    },
  };
}
