/** The beginning of a PES packet (ISO/IEC 13818-1, 2.4.3.6). */
export interface PesHeader {
  /** When the first frame is decoded, in ticks of 90,000 Hz (33 bits); null when the packet does not say. */
  decodedAtTicks: number | null;
  /** Where the bytes of the stream begin. */
  dataStart: number;
}

export const PES_TICKS_PER_SECOND = 90_000;
export const PES_TICKS_WRAP: number = 2 ** 33;

const FIXED_BYTES = 9;
const TIMESTAMP_BYTES = 5;

/** Reads the header at the start of a packet's payload; null when there is none or it is not all in this payload. */
export function parsePesHeader(payload: Uint8Array): PesHeader | null {
  const [b0, b1, b2, , , , b6 = 0, b7 = 0, headerBytes = 0] = payload;
  const dataStart = FIXED_BYTES + headerBytes;
  if (b0 !== 0 || b1 !== 0 || b2 !== 1 || (b6 & 0xc0) !== 0x80 || dataStart > payload.length) {
    return null;
  }
  const hasPts = (b7 & 0x80) !== 0 && headerBytes >= TIMESTAMP_BYTES;
  const hasDts = hasPts && (b7 & 0x40) !== 0 && headerBytes >= 2 * TIMESTAMP_BYTES;
  const at = FIXED_BYTES + (hasDts ? TIMESTAMP_BYTES : 0);
  return { decodedAtTicks: hasPts ? timestampAt(payload, at) : null, dataStart };
}

/** 33 bits in three parts, each with a marker bit behind it. */
function timestampAt(bytes: Uint8Array, at: number): number {
  const [b0 = 0, b1 = 0, b2 = 0, b3 = 0, b4 = 0] = bytes.subarray(at, at + TIMESTAMP_BYTES);
  const low = ((b1 << 7) | (b2 >> 1)) * 2 ** 15 + ((b3 << 7) | (b4 >> 1));
  return ((b0 >> 1) & 7) * 2 ** 30 + low;
}
