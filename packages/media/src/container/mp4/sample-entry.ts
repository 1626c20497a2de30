import type { AudioTrack } from "@reelgate/shared/contract/media";
import { fourCcAt, uint16At, uint32At, uint8At } from "../../bytes/big-endian.ts";
import { childBody, childBoxes, type Box } from "./box-header.ts";
import { type ElementaryStream, parseElementaryStream } from "./elementary-stream.ts";
import { parseAudioSpecificConfig } from "../../codec/audio-specific-config.ts";

/** What the first sample description of a track says. */
export type SampleEntry =
  | { kind: "video"; codec: string; width: number; height: number }
  | ({ kind: "audio" } & AudioTrack);

const VIDEO_CODECS: Readonly<Record<string, string>> = {
  avc1: "h264",
  avc2: "h264",
  avc3: "h264",
  avc4: "h264",
  dva1: "h264",
  dvav: "h264",
  hvc1: "hevc",
  hev1: "hevc",
  dvh1: "hevc",
  dvhe: "hevc",
  vvc1: "vvc",
  vvi1: "vvc",
  av01: "av1",
  vp08: "vp8",
  vp09: "vp9",
  s263: "h263",
  jpeg: "mjpeg",
};

const AUDIO_CODECS: Readonly<Record<string, string>> = {
  Opus: "opus",
  "ac-3": "ac3",
  "ec-3": "eac3",
  "ac-4": "ac4",
  fLaC: "flac",
  alac: "alac",
  ".mp3": "mp3",
  samr: "amr_nb",
  sawb: "amr_wb",
  sowt: "pcm_s16le",
  twos: "pcm_s16be",
};

/** Object types of the registration authority (mp4ra.org, "Object Types"). */
const VIDEO_OBJECT_TYPES: Readonly<Record<number, string>> = {
  0x20: "mpeg4",
  0x21: "h264",
  0x23: "hevc",
  0x60: "mpeg2video",
  0x61: "mpeg2video",
  0x62: "mpeg2video",
  0x63: "mpeg2video",
  0x64: "mpeg2video",
  0x65: "mpeg2video",
  0x6a: "mpeg1video",
  0x6c: "mjpeg",
  0xb1: "vp9",
};
const AUDIO_OBJECT_TYPES: Readonly<Record<number, string>> = {
  0x40: "aac",
  0x66: "aac",
  0x67: "aac",
  0x68: "aac",
  0x69: "mp3",
  0x6b: "mp3",
  0xa5: "ac3",
  0xa6: "eac3",
  0xa9: "dts",
  0xad: "opus",
};

/** Fixed part of a sample entry (ISO/IEC 14496-12, 8.5.2): header, reserved, data reference index. */
const ENTRY_HEADER_BYTES = 8;
const VISUAL_ENTRY_BYTES = 86;
const AUDIO_ENTRY_BYTES = 36;

/**
 * The first entry of an `stsd` body that can be used; a track with several is read by its first, as ffprobe does. Null
 * when there is none, or not enough of it.
 */
export function parseSampleDescription(
  body: Uint8Array,
  handler: string,
  timescale: number,
): SampleEntry | null {
  const version = uint8At(body, 0);
  for (const entry of childBoxes(body, 8)) {
    const bytes = body.subarray(entry.start, entry.end);
    const parsed =
      handler === "vide"
        ? videoEntry(bytes, entry)
        : handler === "soun"
          ? audioEntry(bytes, entry, version, timescale)
          : null;
    if (parsed !== null) {
      return parsed;
    }
  }
  return null;
}

function videoEntry(bytes: Uint8Array, { type }: Box): SampleEntry | null {
  if (bytes.length < VISUAL_ENTRY_BYTES) {
    return null;
  }
  const format = originalFormat(bytes, type, VISUAL_ENTRY_BYTES);
  const stream = format === "mp4v" ? elementaryStream(bytes, VISUAL_ENTRY_BYTES) : null;
  return {
    kind: "video",
    codec:
      VIDEO_CODECS[format] ??
      (stream === null ? undefined : VIDEO_OBJECT_TYPES[stream.objectType]) ??
      (format === "mp4v" ? "mpeg4" : format.trim()),
    width: uint16At(bytes, ENTRY_HEADER_BYTES + 24),
    height: uint16At(bytes, ENTRY_HEADER_BYTES + 26),
  };
}

function audioEntry(
  bytes: Uint8Array,
  { type }: Box,
  descriptionVersion: number,
  timescale: number,
): SampleEntry | null {
  if (bytes.length < AUDIO_ENTRY_BYTES) {
    return null;
  }
  const layout = soundLayout(bytes, descriptionVersion);
  const format = originalFormat(bytes, type, layout.childrenStart);
  const stream = elementaryStream(bytes, layout.childrenStart);
  const codec =
    AUDIO_CODECS[format] ??
    (stream === null ? undefined : AUDIO_OBJECT_TYPES[stream.objectType]) ??
    (format === "mp4a" ? "aac" : format.trim());
  const entry = {
    sampleRateHz: layout.sampleRateHz === 0 ? timescale : layout.sampleRateHz,
    channels: layout.channels,
  };
  // What the decoder is told counts: writers put 2 channels, or half the rate, into the entry itself.
  const told = decoderFormat(bytes, codec, layout.childrenStart, stream);
  return { kind: "audio", codec, ...entry, ...told };
}

function decoderFormat(
  bytes: Uint8Array,
  codec: string,
  childrenStart: number,
  stream: ElementaryStream | null,
): { sampleRateHz: number; channels?: number } | null {
  if (codec === "aac") {
    return stream === null ? null : parseAudioSpecificConfig(stream.decoderInfo);
  }
  if (codec === "opus") {
    // Opus always plays at 48 kHz; `dOps` (Encapsulation of Opus in ISO BMFF, 4.3.2) has the channels in its second byte.
    const specific = childBody(bytes, "dOps", childrenStart);
    const channels = specific === null ? 0 : uint8At(specific, 1);
    return { sampleRateHz: 48_000, ...(channels > 0 ? { channels } : {}) };
  }
  return null;
}

/** Versions 1 and 2 of QuickTime's sound description are longer, and 2 has its numbers elsewhere (QTFF, "Sound Media"). */
function soundLayout(
  bytes: Uint8Array,
  descriptionVersion: number,
): { childrenStart: number; sampleRateHz: number; channels: number } {
  // In ISO files version 1 of an entry only comes with version 1 of stsd, and is no longer than version 0.
  const version = descriptionVersion === 0 ? uint16At(bytes, 16) : 0;
  if (version === 2 && bytes.length >= 72) {
    const rate = new DataView(bytes.buffer, bytes.byteOffset + 40, 8).getFloat64(0);
    return {
      childrenStart: Math.max(uint32At(bytes, 36), 72),
      sampleRateHz: rate >= 1 && rate <= 0xffff_ffff ? Math.round(rate) : 0,
      channels: uint32At(bytes, 48),
    };
  }
  return {
    childrenStart: version === 1 ? AUDIO_ENTRY_BYTES + 16 : AUDIO_ENTRY_BYTES,
    sampleRateHz: uint16At(bytes, 32),
    channels: uint16At(bytes, 24),
  };
}

/** The format before encryption (`encv`, `enca`: ISO/IEC 14496-12, 8.12), else the type of the entry. */
function originalFormat(bytes: Uint8Array, type: string, childrenStart: number): string {
  const protection = childBody(bytes, "sinf", childrenStart);
  const original = protection === null ? null : childBody(protection, "frma", 0);
  return original === null || original.length < 4 ? type : fourCcAt(original, 0);
}

/** The `esds`, which QuickTime wraps into `wave`. */
function elementaryStream(bytes: Uint8Array, childrenStart: number): ElementaryStream | null {
  const wave = childBody(bytes, "wave", childrenStart);
  const body =
    childBody(bytes, "esds", childrenStart) ?? (wave === null ? null : childBody(wave, "esds", 0));
  return body === null ? null : parseElementaryStream(body);
}
