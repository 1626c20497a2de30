/** What an AudioSpecificConfig says (ISO/IEC 14496-3, 1.6.2.1). */
export interface AudioSpecificConfig {
  sampleRateHz: number;
  channels: number;
}

/** Sampling frequencies by their index (ISO/IEC 14496-3, table 1.18). ADTS headers use the same. */
export const AAC_SAMPLE_RATES_HZ: readonly number[] = [
  96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8000,
  7350,
];

/** Channels by channel configuration (ISO/IEC 14496-3, table 1.19); 0 says that the stream itself describes them. */
const CHANNELS: readonly (number | null)[] = [
  null,
  1,
  2,
  3,
  4,
  5,
  6,
  8,
  null,
  null,
  null,
  7,
  8,
  24,
  8,
];

/** Channels of a channel configuration, or null when it does not say. */
export function aacChannels(configuration: number): number | null {
  return CHANNELS[configuration] ?? null;
}

const EXPLICIT_FREQUENCY = 15;
const OBJECT_TYPE_ESCAPE = 31;
const SPECTRAL_BAND_REPLICATION = 5;
const PARAMETRIC_STEREO = 29;

/**
 * Parses an AudioSpecificConfig. With explicit signalling of SBR the rate is that of the output, as players show it, and
 * with parametric stereo there are two channels. Null when the bytes are too short or hold no usable value.
 */
export function parseAudioSpecificConfig(bytes: Uint8Array): AudioSpecificConfig | null {
  let position = 0;
  function take(count: number): number {
    let value = 0;
    for (let index = 0; index < count; index += 1, position += 1) {
      const bit = ((bytes[position >> 3] ?? 0) >> (7 - (position & 7))) & 1;
      value = value * 2 + bit;
    }
    return value;
  }
  function takeRateHz(): number {
    const index = take(4);
    return index === EXPLICIT_FREQUENCY ? take(24) : (AAC_SAMPLE_RATES_HZ[index] ?? 0);
  }
  let objectType = take(5);
  if (objectType === OBJECT_TYPE_ESCAPE) {
    objectType = 32 + take(6);
  }
  const coreRateHz = takeRateHz();
  const channels = aacChannels(take(4));
  const extended = objectType === SPECTRAL_BAND_REPLICATION || objectType === PARAMETRIC_STEREO;
  const sampleRateHz = extended ? takeRateHz() : coreRateHz;
  if (position > bytes.length * 8 || sampleRateHz === 0 || channels === null) {
    return null;
  }
  return { sampleRateHz, channels: objectType === PARAMETRIC_STEREO ? 2 : channels };
}
