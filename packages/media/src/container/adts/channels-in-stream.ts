import { readBits } from "../../codec/bit-reader.ts";

const PROGRAM_CONFIG_ELEMENT = 5;

/**
 * Channels by the program config element (ISO/IEC 14496-3, 4.4.1.1) that a raw data block begins with when the header
 * does not tell them. Null when it begins with something else.
 */
export function channelsOfProgramConfig(rawDataBlock: Uint8Array): number | null {
  const bits = readBits(rawDataBlock);
  if (bits.u(3) !== PROGRAM_CONFIG_ELEMENT) {
    return null;
  }
  bits.skip(4 + 2 + 4); // instance, object type, sampling frequency
  const [front, side, back] = [bits.u(4), bits.u(4), bits.u(4)];
  const lowFrequency = bits.u(2);
  bits.skip(3 + 4);
  for (const mixdownBits of [4, 4, 3]) {
    if (bits.flag()) {
      bits.skip(mixdownBits);
    }
  }
  let channels = lowFrequency;
  for (let element = 0; element < front + side + back; element += 1) {
    channels += bits.flag() ? 2 : 1;
    bits.skip(4);
  }
  return bits.isOverrun || channels === 0 ? null : channels;
}
