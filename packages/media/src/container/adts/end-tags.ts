import { asciiAt } from "../../bytes/big-endian.ts";
import type { ByteSource } from "../../source/byte-source.ts";

const ID3V1_BYTES = 128;
const APE_FOOTER_BYTES = 32;
const APE_HAS_HEADER = 0x8000_0000;

/**
 * Where the audio ends and the tags begin that writers put behind it: ID3v1 (128 bytes that begin with "TAG") and, before
 * it, APEv2 (a footer that tells the length of all but its header). The size of the file when there are none.
 */
export async function findAudioEnd(source: ByteSource, start: number): Promise<number> {
  const { sizeBytes } = source;
  const offset = Math.max(start, sizeBytes - ID3V1_BYTES - APE_FOOTER_BYTES);
  const length = Math.max(0, sizeBytes - offset);
  const tail = Buffer.from(await source.read(offset, length, { fetchBytes: length }));
  const hasId3 = tail.length >= ID3V1_BYTES && asciiAt(tail, tail.length - ID3V1_BYTES, "TAG");
  const end = hasId3 ? sizeBytes - ID3V1_BYTES : sizeBytes;
  const footer = end - offset - APE_FOOTER_BYTES;
  if (footer < 0 || !asciiAt(tail, footer, "APETAGEX")) {
    return end;
  }
  const hasHeader = (tail.readUInt32LE(footer + 20) & APE_HAS_HEADER) !== 0;
  const tagBytes = tail.readUInt32LE(footer + 12) + (hasHeader ? APE_FOOTER_BYTES : 0);
  const audioEnd = end - tagBytes;
  return tagBytes < APE_FOOTER_BYTES || audioEnd < start ? end : audioEnd;
}
