import { createDecipheriv, type Decipheriv } from "node:crypto";
import type { PlaylistKey } from "./playlist.ts";

export const AES_BLOCK_BYTES = 16;

/** What decrypts one segment: AES-128 in CBC mode, padded by PKCS7 (RFC 8216, 4.3.2.4). 16 bytes each. */
export interface SegmentCipher {
  key: Uint8Array;
  iv: Uint8Array;
}

/** The IV of a segment: as the key gives it, else its media sequence number, big-endian (RFC 8216, 5.2). */
export function segmentIv({ iv }: Pick<PlaylistKey, "iv">, sequence: number): Uint8Array {
  const digits = iv === null ? sequence.toString(16) : iv.slice(2);
  return new Uint8Array(Buffer.from(digits.padStart(2 * AES_BLOCK_BYTES, "0"), "hex"));
}

/** Decrypts piece by piece. The padding is left in: whoever needs the plain end takes it off, and judges it. */
export function startDecryption({ key, iv }: SegmentCipher): Decipheriv {
  return createDecipheriv("aes-128-cbc", key, iv).setAutoPadding(false);
}

/** The plain beginning of a segment, as far as whole blocks go. */
export function decryptHead(bytes: Uint8Array, cipher: SegmentCipher): Uint8Array {
  const whole = bytes.subarray(0, bytes.length - (bytes.length % AES_BLOCK_BYTES));
  return new Uint8Array(startDecryption(cipher).update(whole));
}

/**
 * The plain end of a segment without its padding; null when it does not end in any.
 *
 * @param bytes Whole blocks, the last ones of the segment.
 * @param isWhole They are the whole segment. Else the first block only decrypts the second (CBC).
 */
export function decryptTail(
  bytes: Uint8Array,
  { key, iv }: SegmentCipher,
  isWhole: boolean,
): Uint8Array | null {
  const blocks = isWhole ? bytes : bytes.subarray(AES_BLOCK_BYTES);
  const plain = decryptHead(blocks, { key, iv: isWhole ? iv : bytes.subarray(0, AES_BLOCK_BYTES) });
  const padding = paddingBytes(plain.subarray(-AES_BLOCK_BYTES));
  return padding === null ? null : plain.subarray(0, plain.length - padding);
}

/** Bytes of PKCS7 padding (RFC 5652, 6.3) at the end of the last plain block, 1 to 16; null when they are none. */
export function paddingBytes(lastBlock: Uint8Array): number | null {
  const length = lastBlock.at(-1) ?? 0;
  const isValid =
    lastBlock.length === AES_BLOCK_BYTES &&
    length >= 1 &&
    length <= AES_BLOCK_BYTES &&
    lastBlock.subarray(AES_BLOCK_BYTES - length).every((byte) => byte === length);
  return isValid ? length : null;
}
