/** What stands where a frame of H.264 or H.265 should: units behind their lengths (ISO/IEC 14496-15, 5.3.3). */
export type NalUnits = "whole" | "zeros" | "wrong_lengths";

/**
 * Three zero bytes in a row are not allowed within a unit (ITU-T H.264, 7.4.1); hardware encoders fill up its end with
 * them all the same. So many, with other bytes behind them in the same unit, are a hole.
 */
const HOLE_BYTES = 64;
const HOLE: Buffer = Buffer.alloc(HOLE_BYTES);

/** Checks the lengths of the units in a frame, and that none has a hole. @param lengthBytes From 1 to 4. */
export function checkNalUnits(frame: Uint8Array, lengthBytes: number): NalUnits {
  const buffer = Buffer.from(frame.buffer, frame.byteOffset, frame.length);
  let at = 0;
  while (at < frame.length) {
    const start = at + lengthBytes;
    const length = start <= frame.length ? buffer.readUIntBE(at, lengthBytes) : 0;
    if (length === 0 || start + length > frame.length) {
      return isZero(frame.subarray(at)) ? paddingOrHole(frame.length - at) : "wrong_lengths";
    }
    if (hasHole(buffer.subarray(start, start + length))) {
      return "zeros";
    }
    at = start + length;
  }
  return "whole";
}

function paddingOrHole(zeroBytes: number): NalUnits {
  return zeroBytes < HOLE_BYTES ? "whole" : "zeros";
}

function hasHole(unit: Buffer): boolean {
  const at = unit.length < HOLE_BYTES ? -1 : unit.indexOf(HOLE);
  return at !== -1 && !isZero(unit.subarray(at + HOLE_BYTES));
}

export function isZero(bytes: Uint8Array): boolean {
  for (const byte of bytes) {
    if (byte !== 0) {
      return false;
    }
  }
  return true;
}
