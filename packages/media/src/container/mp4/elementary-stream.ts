import { uint8At } from "../../bytes/big-endian.ts";

/** What an `esds` box says of its stream (ISO/IEC 14496-1, 7.2.6). */
export interface ElementaryStream {
  objectType: number;
  /** Empty when the decoder needs nothing. For AAC the AudioSpecificConfig. */
  decoderInfo: Uint8Array;
}

const STREAM_DESCRIPTOR = 0x03;
const DECODER_CONFIG = 0x04;
const DECODER_INFO = 0x05;

const DEPENDS_ON_STREAM = 0x80;
const HAS_URL = 0x40;
const HAS_CLOCK_STREAM = 0x20;

/** Parses the body of an `esds`, or null when it has no decoder configuration. */
export function parseElementaryStream(body: Uint8Array): ElementaryStream | null {
  // Version and flags first.
  const stream = descriptor(body, 4, STREAM_DESCRIPTOR);
  if (stream === null) {
    return null;
  }
  const flags = uint8At(stream, 2);
  let position = 3;
  position += (flags & DEPENDS_ON_STREAM) === 0 ? 0 : 2;
  position += (flags & HAS_URL) === 0 ? 0 : 1 + uint8At(stream, position);
  position += (flags & HAS_CLOCK_STREAM) === 0 ? 0 : 2;
  const config = descriptor(stream, position, DECODER_CONFIG);
  if (config === null || config.length < 13) {
    return null;
  }
  return {
    objectType: uint8At(config, 0),
    decoderInfo: descriptor(config, 13, DECODER_INFO) ?? new Uint8Array(),
  };
}

/** The body of the descriptor at `start`, or null when another one stands there or it is empty. Its length is in 7-bit groups. */
function descriptor(bytes: Uint8Array, start: number, tag: number): Uint8Array | null {
  if (bytes[start] !== tag) {
    return null;
  }
  let length = 0;
  let position = start + 1;
  for (let group = 0; group < 4; group += 1) {
    const byte = uint8At(bytes, position);
    position += 1;
    length = length * 128 + (byte & 0x7f);
    if (byte < 0x80) {
      break;
    }
  }
  return length === 0 ? null : bytes.subarray(position, position + length);
}
