import { type ByteSource, MAX_READ_BYTES } from "./byte-source.ts";

/** Reads a file from its beginning to its end in one stream, with looks back where its structure asks for them. */
export interface ForwardReader {
  /** The bytes from `offset` on when `needed` of them are at hand; null otherwise. A view, right until the next `at`. */
  held(offset: number, needed: number): Uint8Array | null;
  /**
   * The bytes from `offset` on: `needed` of them or more, fewer only where the file ends. What lies before `offset` is
   * not kept; to go back costs a read of its own, and of those there are so many.
   *
   * @throws LooksBackExceeded; what the source throws.
   */
  at(offset: number, needed: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** A file whose parts are in no order at all cannot be read in one pass. */
export class LooksBackExceeded extends Error {
  constructor() {
    super("The parts of the file are not in the order in which they are played.");
  }
}

/** Looks back at chunks that are slightly out of order are common; a file of nothing else would be read for ever. */
const MAX_BYTES_BACK = 268_435_456;
const MAX_LOOKS_BACK = 20_000;

/**
 * Holds one piece of the stream, and of those before it what the last request that reached across began with. Copies
 * only what lies across pieces.
 */
export function createForwardReader(source: ByteSource): ForwardReader {
  let pieces: AsyncIterator<Uint8Array> | null = null;
  let piece: Uint8Array = new Uint8Array();
  let pieceStart = 0;
  /** The bytes in front of the piece that are still held. */
  let before: Uint8Array = new Uint8Array();
  let looksBack = 0;
  let bytesBack = 0;

  async function readBack(offset: number, needed: number): Promise<Uint8Array> {
    const wanted = Math.min(needed, source.sizeBytes - offset);
    looksBack += 1;
    bytesBack += wanted;
    if (looksBack > MAX_LOOKS_BACK || bytesBack > MAX_BYTES_BACK) {
      throw new LooksBackExceeded();
    }
    const parts: Uint8Array[] = [];
    for (let at = 0; at < wanted; at += MAX_READ_BYTES) {
      parts.push(await source.read(offset + at, Math.min(MAX_READ_BYTES, wanted - at)));
    }
    return Buffer.concat(parts);
  }

  function held(offset: number, needed: number): Uint8Array | null {
    const index = offset - pieceStart;
    return index >= 0 && index + needed <= piece.length ? piece.subarray(index) : null;
  }

  return {
    held,
    async at(offset, needed): Promise<Uint8Array> {
      const there = held(offset, needed);
      if (there !== null) {
        return there;
      }
      const beforeStart = pieceStart - before.length;
      if (offset < beforeStart) {
        return await readBack(offset, needed);
      }
      const parts = [
        before.subarray(offset - beforeStart),
        piece.subarray(Math.max(0, offset - pieceStart)),
      ];
      let length = parts.reduce((sum, part) => sum + part.length, 0);
      pieces ??= source.stream(pieceStart)[Symbol.asyncIterator]();
      let hasMoved = false;
      while (length < needed) {
        const next = await pieces.next();
        if (next.done === true) {
          break;
        }
        hasMoved = true;
        pieceStart += piece.length;
        piece = next.value;
        const part = piece.subarray(Math.max(0, offset - pieceStart));
        length += part.length;
        parts.push(part);
      }
      const [only = piece.subarray(piece.length), ...others] = parts.filter(
        (part) => part.length > 0,
      );
      if (others.length === 0) {
        before = hasMoved ? new Uint8Array() : before;
        return only;
      }
      const joined = Buffer.concat([only, ...others], Math.min(length, needed));
      before = hasMoved ? joined.subarray(0, pieceStart - offset) : before;
      return joined;
    },
    async close(): Promise<void> {
      await pieces?.return?.();
    },
  };
}
