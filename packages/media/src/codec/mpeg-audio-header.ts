const RATES_HZ: readonly number[] = [44_100, 48_000, 32_000];
const MONO = 3;

/** Rate and channels by the header of an MPEG audio frame (ISO/IEC 11172-3, 2.4.1.3; 13818-3), or null. */
export function parseMpegAudioHeader(
  bytes: Uint8Array,
): { sampleRateHz: number; channels: number } | null {
  const [first = 0, second = 0, third = 0, fourth = 0] = bytes;
  const layer = (second >> 1) & 3;
  const rateHz = RATES_HZ[(third >> 2) & 3];
  if (first !== 0xff || (second & 0xe0) !== 0xe0 || layer === 0 || rateHz === undefined) {
    return null;
  }
  // MPEG-1 is 3; MPEG-2 halves the rates, and 2.5 halves them again.
  const version = (second >> 3) & 3;
  if (version === 1 || bytes.length < 4) {
    return null;
  }
  const divisor = version === 3 ? 1 : version === 2 ? 2 : 4;
  return { sampleRateHz: rateHz / divisor, channels: fourth >> 6 === MONO ? 1 : 2 };
}
