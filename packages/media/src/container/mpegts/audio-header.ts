import type { AudioTrack } from "@reelgate/shared/contract/media";
import { AAC_SAMPLE_RATES_HZ, aacChannels } from "../../codec/audio-specific-config.ts";
import { ADTS_HEADER_BYTES, readAdtsHeader } from "../adts/adts-header.ts";
import { channelsOfProgramConfig } from "../adts/channels-in-stream.ts";

/**
 * The first ADTS frame in the bytes. One that does not lie at the start must be followed by a second one of the same
 * stream: 0xFFF alone is found in any data.
 */
export function findAdts(bytes: Uint8Array): AudioTrack | null {
  for (let at = 0; at + ADTS_HEADER_BYTES <= bytes.length; at += 1) {
    const header = readAdtsHeader(bytes, at);
    if (header === null) {
      continue;
    }
    const next = readAdtsHeader(bytes, at + header.frameBytes);
    const isCut = at + header.frameBytes + ADTS_HEADER_BYTES > bytes.length;
    if (next === null ? !(at === 0 && isCut) : next.stream !== header.stream) {
      continue;
    }
    const sampleRateHz = AAC_SAMPLE_RATES_HZ[header.samplingIndex];
    const channels =
      header.channelConfiguration === 0
        ? channelsOfProgramConfig(bytes.subarray(at + header.headerBytes))
        : aacChannels(header.channelConfiguration);
    return sampleRateHz === undefined || channels === null
      ? null
      : { codec: "aac", sampleRateHz, channels };
  }
  return null;
}

const MPEG_1_RATES_HZ: readonly number[] = [44_100, 48_000, 32_000];
/** Version bits (ISO/IEC 11172-3, 2.4.2.3, and MPEG-2.5): what the rates of MPEG-1 are divided by. */
const MPEG_RATE_DIVISORS: readonly (number | null)[] = [4, null, 2, 1];
const MPEG_CODECS: readonly (string | null)[] = [null, "mp3", "mp2", null];
const SINGLE_CHANNEL = 3;

/** A frame of MPEG audio, layer II or III, at the start of the bytes. */
export function readMpegAudio(bytes: Uint8Array): AudioTrack | null {
  const [b0, b1 = 0, b2 = 0, b3] = bytes;
  const divisor = MPEG_RATE_DIVISORS[(b1 >> 3) & 3];
  const codec = MPEG_CODECS[(b1 >> 1) & 3];
  const rateHz = MPEG_1_RATES_HZ[(b2 >> 2) & 3];
  const isBitrateValid = b2 >> 4 !== 0x0f;
  if (b0 !== 0xff || (b1 & 0xe0) !== 0xe0 || !isBitrateValid || b3 === undefined) {
    return null;
  }
  return !divisor || !codec || rateHz === undefined
    ? null
    : { codec, sampleRateHz: rateHz / divisor, channels: b3 >> 6 === SINGLE_CHANNEL ? 1 : 2 };
}

const AC3_RATES_HZ: readonly number[] = [48_000, 44_100, 32_000];
/** Full-range channels by audio coding mode (ETSI TS 102 366, table 4.3). */
const AC3_CHANNELS: readonly number[] = [2, 1, 2, 3, 3, 4, 4, 5];
const FIRST_EAC3_BITSTREAM_ID = 11;
const LAST_EAC3_BITSTREAM_ID = 16;

/** A frame of AC-3 or Enhanced AC-3 at the start of the bytes (ETSI TS 102 366, 4.3 and annex E, E.1.2). */
export function readAc3(bytes: Uint8Array): AudioTrack | null {
  const [b0, b1, , , b4 = 0, b5 = 0, b6 = 0, b7] = bytes;
  if (b0 !== 0x0b || b1 !== 0x77 || b7 === undefined) {
    return null;
  }
  const bitstreamId = b5 >> 3;
  const sampleRateHz = AC3_RATES_HZ[b4 >> 6];
  if (bitstreamId > LAST_EAC3_BITSTREAM_ID) {
    return null;
  }
  if (bitstreamId >= FIRST_EAC3_BITSTREAM_ID) {
    const reduced = AC3_RATES_HZ[(b4 >> 4) & 3];
    const rateHz = sampleRateHz ?? (reduced === undefined ? undefined : reduced / 2);
    const channels = (AC3_CHANNELS[(b4 >> 1) & 7] ?? 0) + (b4 & 1);
    return rateHz === undefined ? null : { codec: "eac3", sampleRateHz: rateHz, channels };
  }
  const mode = b6 >> 5;
  // Two bits each for the centre, the surround and the Dolby surround level, where the mode has them.
  const skipped =
    ((mode & 1) !== 0 && mode !== 1 ? 2 : 0) + ((mode & 4) !== 0 ? 2 : 0) + (mode === 2 ? 2 : 0);
  const lowFrequency = (b6 >> (4 - skipped)) & 1;
  return sampleRateHz === undefined
    ? null
    : { codec: "ac3", sampleRateHz, channels: (AC3_CHANNELS[mode] ?? 0) + lowFrequency };
}
