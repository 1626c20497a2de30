import { fourCcAt } from "../../bytes/big-endian.ts";
import type { AudioTrack } from "@reelgate/shared/contract/media";
import {
  CODED_FRAMES,
  OTHER,
  SEQUENCE_START,
  skipModifiers,
  type TagContent,
} from "./media-tag.ts";

const ENHANCED = 9;
const AAC = 10;

/** Names of ffprobe by SoundFormat (Adobe FLV 10.1, E.4.2.1); 13 is what Chinese CDNs agreed on. */
const CODECS: ReadonlyMap<number, string> = new Map([
  [0, "pcm_s16le"],
  [1, "adpcm_swf"],
  [2, "mp3"],
  [3, "pcm_s16le"],
  [4, "nellymoser"],
  [5, "nellymoser"],
  [6, "nellymoser"],
  [7, "pcm_alaw"],
  [8, "pcm_mulaw"],
  [AAC, "aac"],
  [11, "speex"],
  [13, "opus"],
  [14, "mp3"],
]);

const FOURCC_CODECS: ReadonlyMap<string, string> = new Map([
  ["mp4a", "aac"],
  ["Opus", "opus"],
  [".mp3", "mp3"],
  ["fLaC", "flac"],
  ["ac-3", "ac3"],
  ["ec-3", "eac3"],
]);

/** Reads an AudioTagHeader (Adobe FLV 10.1, E.4.2) or an ExAudioTagHeader (Enhanced RTMP v2). Total. */
export function readAudioTag(data: Uint8Array): TagContent {
  const [first = 0, second = 0] = data;
  const format = first >> 4;
  if (format === ENHANCED) {
    const { packetType, at } = skipModifiers(data, first & 0x0f, 1);
    const codec = FOURCC_CODECS.get(fourCcAt(data, at));
    return codec === undefined ? OTHER : content(codec, packetType, data.subarray(at + 4));
  }
  const codec = formatCodec(format, first);
  if (codec === undefined || data.length < 2) {
    return OTHER;
  }
  return format === AAC
    ? content(codec, second, data.subarray(2))
    : content(codec, CODED_FRAMES, data.subarray(1));
}

function formatCodec(format: number, first: number): string | undefined {
  const isRaw = format === 0 || format === 3;
  return isRaw && (first & 2) === 0 ? "pcm_u8" : CODECS.get(format);
}

function content(codec: string, packetType: number, rest: Uint8Array): TagContent {
  switch (packetType) {
    case SEQUENCE_START:
      return { kind: "configuration", codec, record: rest };
    case CODED_FRAMES:
      return { kind: "frame", codec, compositionMs: 0, payload: rest };
    default:
      return OTHER;
  }
}

const FLAG_RATES_HZ: readonly number[] = [5512, 11_025, 22_050, 44_100];

/** Formats whose rate and channels are fixed, whatever the flags say. */
const FIXED: ReadonlyMap<number, { sampleRateHz: number; channels: number | null }> = new Map([
  [4, { sampleRateHz: 16_000, channels: 1 }],
  [5, { sampleRateHz: 8000, channels: 1 }],
  [7, { sampleRateHz: 8000, channels: null }],
  [8, { sampleRateHz: 8000, channels: null }],
  [11, { sampleRateHz: 16_000, channels: 1 }],
  [13, { sampleRateHz: 48_000, channels: null }],
  [14, { sampleRateHz: 8000, channels: null }],
]);

/**
 * The track by the flags in front of a frame. Null for AAC, whose flags are the same whatever it is, and for Enhanced
 * RTMP, which has none.
 */
export function audioByFlags(data: Uint8Array): Omit<AudioTrack, "codec"> | null {
  const [first = 0] = data;
  const format = first >> 4;
  if (format === AAC || format === ENHANCED) {
    return null;
  }
  const fixed = FIXED.get(format);
  return {
    sampleRateHz: fixed?.sampleRateHz ?? FLAG_RATES_HZ[(first >> 2) & 3] ?? 0,
    channels: fixed?.channels ?? (first & 1) + 1,
  };
}
