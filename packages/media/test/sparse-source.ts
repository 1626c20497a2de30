import type { ByteSource } from "../src/source/byte-source.ts";

const BLOCK_BYTES = 16_384;
const DEFAULT_FETCH_BYTES = 65_536;

export interface SparseSource extends ByteSource {
  /** Reads that something had to be fetched for. */
  readonly requests: number;
}

/** A file of any size of which only some parts are not zero, as a source that counts what would have been fetched. */
export function sparseSource(
  sizeBytes: number,
  parts: readonly { offset: number; bytes: Uint8Array }[],
): SparseSource {
  const fetched = new Set<number>();
  let requests = 0;
  return {
    sizeBytes,
    get fetchedBytes(): number {
      return fetched.size * BLOCK_BYTES;
    },
    get requests(): number {
      return requests;
    },
    async read(offset, length, { fetchBytes = DEFAULT_FETCH_BYTES } = {}): Promise<Uint8Array> {
      const end = Math.min(offset + length, sizeBytes);
      const isCached = (block: number): boolean => fetched.has(block);
      const blocks = range(offset, end);
      if (!blocks.every((block) => isCached(block))) {
        requests += 1;
        for (const block of range(
          offset,
          Math.min(Math.max(end, offset + fetchBytes), sizeBytes),
        )) {
          fetched.add(block);
        }
      }
      const bytes = new Uint8Array(Math.max(end - offset, 0));
      for (const part of parts) {
        const from = Math.max(part.offset, offset);
        const to = Math.min(part.offset + part.bytes.length, end);
        if (from < to) {
          bytes.set(part.bytes.subarray(from - part.offset, to - part.offset), from - offset);
        }
      }
      return bytes;
    },
    async *stream() {
      yield await Promise.reject(new Error("A sparse source has no stream."));
    },
  };
}

function range(start: number, end: number): number[] {
  const first = Math.floor(start / BLOCK_BYTES);
  const count = Math.max(Math.ceil(end / BLOCK_BYTES) - first, 0);
  return Array.from({ length: count }, (_, index) => first + index);
}
