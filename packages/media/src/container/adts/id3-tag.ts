/** Bytes of the header of an ID3v2 tag. */
export const ID3_HEADER_BYTES = 10;

const HAS_FOOTER = 0x10;

/**
 * Length of the ID3v2 tag at `offset` (ID3v2.4, 3.1), which some writers put before the first ADTS frame; 0 when there
 * is none.
 */
export function id3TagBytes(bytes: Uint8Array, offset: number): number {
  const [i = 0, d = 0, three = 0, , , flags = 0, ...size] = bytes.subarray(
    offset,
    offset + ID3_HEADER_BYTES,
  );
  if (i !== 0x49 || d !== 0x44 || three !== 0x33 || size.length < 4) {
    return 0;
  }
  if (size.some((part) => part > 0x7f)) {
    return 0;
  }
  const footerBytes = (flags & HAS_FOOTER) === 0 ? 0 : 10;
  return ID3_HEADER_BYTES + size.reduce((sum, part) => sum * 128 + part, 0) + footerBytes;
}
