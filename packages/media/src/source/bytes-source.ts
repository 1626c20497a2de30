import { type ByteSource, MAX_READ_BYTES } from "./byte-source.ts";

/** Bytes that are in memory as a source, for readers of files. */
export function bytesSource(bytes: Uint8Array): ByteSource {
  return {
    sizeBytes: bytes.length,
    fetchedBytes: 0,
    read: async (offset, length) =>
      bytes.subarray(offset, offset + Math.min(length, MAX_READ_BYTES)),
    async *stream(offset) {
      yield bytes.subarray(offset);
    },
  };
}
