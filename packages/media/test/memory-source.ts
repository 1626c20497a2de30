import type { ByteSource } from "../src/source/byte-source.ts";
import { MAX_READ_BYTES } from "../src/source/byte-source.ts";

const BLOCK_BYTES = 16_384;
const DEFAULT_FETCH_BYTES = 65_536;

/** A file in memory as a source that counts what would have been fetched of it, block by block. */
export function memorySource(bytes: Uint8Array): ByteSource {
  const fetched = new Set<number>();
  return {
    sizeBytes: bytes.length,
    get fetchedBytes(): number {
      return [...fetched].reduce(
        (sum, block) => sum + Math.min(BLOCK_BYTES, bytes.length - block * BLOCK_BYTES),
        0,
      );
    },
    async read(offset, length, { fetchBytes = DEFAULT_FETCH_BYTES } = {}): Promise<Uint8Array> {
      if (
        !Number.isSafeInteger(offset) ||
        offset < 0 ||
        !(length >= 0 && length <= MAX_READ_BYTES)
      ) {
        throw new RangeError(`a read of ${length} bytes at ${offset}`);
      }
      const end = Math.min(offset + Math.max(length, fetchBytes), bytes.length);
      for (let block = Math.floor(offset / BLOCK_BYTES); block * BLOCK_BYTES < end; block += 1) {
        fetched.add(block);
      }
      return bytes.subarray(offset, offset + length);
    },
    async *stream(offset) {
      for (let start = offset; start < bytes.length; start += DEFAULT_FETCH_BYTES) {
        yield bytes.subarray(start, start + DEFAULT_FETCH_BYTES);
      }
    },
  };
}
