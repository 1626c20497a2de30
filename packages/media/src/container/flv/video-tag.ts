import { fourCcAt, uint24At } from "../../bytes/big-endian.ts";
import {
  CODED_FRAMES,
  OTHER,
  SEQUENCE_START,
  skipModifiers,
  type TagContent,
} from "./media-tag.ts";

/** Names of ffprobe by CodecID (Adobe FLV 10.1, E.4.3.1; 12 and 13 are what Chinese CDNs agreed on). */
const CODECS: ReadonlyMap<number, string> = new Map([
  [2, "flv1"],
  [3, "flashsv"],
  [4, "vp6f"],
  [5, "vp6a"],
  [6, "flashsv2"],
  [7, "h264"],
  [8, "h263"],
  [9, "mpeg4"],
  [12, "hevc"],
  [13, "av1"],
]);

/** Codecs whose tags tell configuration from frames, as the specification says for AVC alone. */
const WITH_PACKET_TYPES = new Set(["h264", "hevc", "av1"]);

/** Names of ffprobe by the FourCC of Enhanced RTMP. */
const FOURCC_CODECS: ReadonlyMap<string, string> = new Map([
  ["avc1", "h264"],
  ["hvc1", "hevc"],
  ["vvc1", "vvc"],
  ["vp08", "vp8"],
  ["vp09", "vp9"],
  ["av01", "av1"],
]);

const COMMAND_FRAME = 5;
const CODED_FRAMES_X = 3;
const IS_ENHANCED = 0x80;

/** Beyond any reordering of frames; more than that is damage. */
const MAX_COMPOSITION_MS = 10_000;

/** Reads a VideoTagHeader (Adobe FLV 10.1, E.4.3) or an ExVideoTagHeader (Enhanced RTMP v1 and v2). Total. */
export function readVideoTag(data: Uint8Array): TagContent {
  const [first = 0, second = 0] = data;
  if ((first & IS_ENHANCED) !== 0) {
    return readEnhanced(data, first);
  }
  const codec = CODECS.get(first & 0x0f);
  if (codec === undefined || first >> 4 === COMMAND_FRAME || data.length < 2) {
    return OTHER;
  }
  if (!WITH_PACKET_TYPES.has(codec)) {
    return { kind: "frame", codec, compositionMs: 0, payload: data.subarray(1) };
  }
  switch (second) {
    case SEQUENCE_START:
      return { kind: "configuration", codec, record: data.subarray(5) };
    case CODED_FRAMES:
      return {
        kind: "frame",
        codec,
        compositionMs: compositionMsAt(data, 2),
        payload: data.subarray(5),
      };
    default:
      return OTHER;
  }
}

/** Other tracks of a multitrack tag are none of ours: the first track comes in tags of its own. */
function readEnhanced(data: Uint8Array, first: number): TagContent {
  if (((first >> 4) & 7) === COMMAND_FRAME) {
    return OTHER;
  }
  const { packetType, at } = skipModifiers(data, first & 0x0f, 1);
  const codec = FOURCC_CODECS.get(fourCcAt(data, at));
  if (codec === undefined) {
    return OTHER;
  }
  const rest = at + 4;
  switch (packetType) {
    case SEQUENCE_START:
      return { kind: "configuration", codec, record: data.subarray(rest) };
    case CODED_FRAMES: {
      const hasComposition = codec === "h264" || codec === "hevc" || codec === "vvc";
      return {
        kind: "frame",
        codec,
        compositionMs: hasComposition ? compositionMsAt(data, rest) : 0,
        payload: data.subarray(hasComposition ? rest + 3 : rest),
      };
    }
    case CODED_FRAMES_X:
      return { kind: "frame", codec, compositionMs: 0, payload: data.subarray(rest) };
    default:
      return OTHER;
  }
}

function compositionMsAt(data: Uint8Array, at: number): number {
  const value = (uint24At(data, at) << 8) >> 8;
  return Math.abs(value) > MAX_COMPOSITION_MS ? 0 : value;
}
