import { AAC_SAMPLE_RATES_HZ } from "../../codec/audio-specific-config.ts";

/** Bytes of an ADTS header that matter here; with a checksum it has two more. */
export const ADTS_HEADER_BYTES = 7;

const SAMPLES_PER_BLOCK = 1024;

/** What the header of an ADTS frame says (ISO/IEC 14496-3, 1.A.2.2). */
export interface AdtsHeader {
  /** The frame with its header. */
  frameBytes: number;
  /** 7, or 9 with a checksum. */
  headerBytes: number;
  samplingIndex: number;
  channelConfiguration: number;
  /** Samples of each channel. */
  samples: number;
  /** Equal in all frames of a stream: version, layer, profile, sampling frequency and channels. */
  stream: number;
}

/** The header at `offset`, or null when there is none or it is not all there. */
export function readAdtsHeader(bytes: Uint8Array, offset: number): AdtsHeader | null {
  const b1 = bytes[offset + 1] ?? 0;
  if (bytes[offset] !== 0xff || (b1 & 0xf6) !== 0xf0 || offset + ADTS_HEADER_BYTES > bytes.length) {
    return null;
  }
  const b2 = bytes[offset + 2] ?? 0;
  const b3 = bytes[offset + 3] ?? 0;
  const frameBytes =
    ((b3 & 3) << 11) | ((bytes[offset + 4] ?? 0) << 3) | ((bytes[offset + 5] ?? 0) >> 5);
  const headerBytes = (b1 & 1) === 1 ? 7 : 9;
  const samplingIndex = (b2 >> 2) & 0x0f;
  if (samplingIndex >= AAC_SAMPLE_RATES_HZ.length || frameBytes <= headerBytes) {
    return null;
  }
  return {
    frameBytes,
    headerBytes,
    samplingIndex,
    channelConfiguration: ((b2 & 1) << 2) | (b3 >> 6),
    samples: (((bytes[offset + 6] ?? 0) & 3) + 1) * SAMPLES_PER_BLOCK,
    // Whether there is a checksum and the private bit may change inside a stream.
    stream: ((b1 & 0xfe) << 16) | ((b2 & 0xfd) << 8) | (b3 & 0xc0),
  };
}
