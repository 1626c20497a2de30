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

/** Holds what was asked for, and at most one piece of the stream more. */
export function createForwardReader(source: ByteSource): ForwardReader {
  let pieces: AsyncIterator<Uint8Array> | null = null;
  let bytes: Uint8Array = new Uint8Array();
  let start = 0;
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
    const index = offset - start;
    return index >= 0 && index + needed <= bytes.length ? bytes.subarray(index) : null;
  }

  return {
    held,
    async at(offset, needed): Promise<Uint8Array> {
      const there = held(offset, needed);
      if (there !== null) {
        return there;
      }
      if (offset < start) {
        return await readBack(offset, needed);
      }
      pieces ??= source.stream(start)[Symbol.asyncIterator]();
      const kept = bytes.subarray(Math.min(offset - start, bytes.length));
      const parts = [kept];
      let position = start + bytes.length;
      let length = kept.length;
      let isOver = false;
      while (length < needed && !isOver) {
        const next = await pieces.next();
        isOver = next.done === true;
        if (next.done !== true) {
          const part = next.value.subarray(Math.max(0, offset - position));
          position += next.value.length;
          length += part.length;
          parts.push(part);
        }
      }
      bytes = Buffer.concat(parts);
      start = position - bytes.length;
      return held(offset, 0) ?? new Uint8Array();
    },
    async close(): Promise<void> {
      await pieces?.return?.();
    },
  };
}
