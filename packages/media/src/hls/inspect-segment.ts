import { id3TagBytes } from "../container/adts/id3-tag.ts";
import {
  type Box,
  MAX_HEADER_BYTES,
  MAX_UNKNOWN_BOX_BYTES,
  parseBoxHeader,
  TOP_LEVEL_TYPES,
} from "../container/mp4/box-header.ts";
import { readAc3, readMpegAudio } from "../container/mpegts/audio-header.ts";
import { TS_PACKET_BYTES, TS_SYNC_BYTE } from "../container/mpegts/packet.ts";
import { sniffContainer } from "../container/sniff.ts";
import { cutPacket, noPacket, type SegmentProblem } from "./segment-problems.ts";

/** What a segment can be (RFC 8216, 3.2 to 3.5): TS, fMP4, packed audio with or without ID3, WebVTT. */
export type SegmentFormat = "mpegts" | "fmp4" | "aac" | "mp3" | "ac3" | "webvtt";

export interface SegmentInspection {
  format: SegmentFormat | null;
  problem: SegmentProblem | null;
}

/** The size of a segment when it is decrypted: exactly known in the clear, within the 16 bytes of its padding otherwise. */
export interface PlainSize {
  minBytes: number;
  maxBytes: number;
}

/**
 * Looks into the plain beginning of a segment: is it media, and does what is seen of it fit its size? Total. Says nothing
 * about what lies behind the beginning.
 *
 * @param size Null when the origin does not tell it.
 */
export function inspectSegment(head: Uint8Array, size: PlainSize | null): SegmentInspection {
  const format = formatOf(head);
  switch (format) {
    case "mpegts":
      return { format, problem: packetProblem(head, size) };
    case "fmp4":
      return { format, problem: boxProblem(head, size) };
    case "aac":
    case "mp3":
    case "ac3":
    case "webvtt":
      return { format, problem: null };
    case null:
      return { format, problem: foreignProblem(head, size) };
    default:
      return format satisfies never;
  }
}

function formatOf(head: Uint8Array): SegmentFormat | null {
  const { container } = sniffContainer(head);
  switch (container) {
    case "mpegts":
    case "aac":
      return container;
    case "mp4":
      return "fmp4";
    case "flv":
    case "hls":
    case "unknown":
      return otherFormat(head);
    default:
      return container satisfies never;
  }
}

const WEBVTT = /^(?:\u00ef\u00bb\u00bf)?WEBVTT(?:[ \t\r\n]|$)/;

function otherFormat(head: Uint8Array): SegmentFormat | null {
  const tagBytes = id3TagBytes(head, 0);
  // Packed audio begins with its time in a tag (RFC 8216, 3.4); two bytes of sync alone are found in any data.
  if (tagBytes > 0 && readAc3(head.subarray(tagBytes)) !== null) {
    return "ac3";
  }
  if (tagBytes > 0 && readMpegAudio(head.subarray(tagBytes)) !== null) {
    return "mp3";
  }
  return WEBVTT.test(Buffer.from(head.subarray(0, 12)).toString("latin1")) ? "webvtt" : null;
}

function foreignProblem(head: Uint8Array, size: PlainSize | null): SegmentProblem {
  if (head[0] === TS_SYNC_BYTE && size !== null && size.maxBytes < TS_PACKET_BYTES) {
    return cutPacket(sizeText(size));
  }
  const sniffed = sniffContainer(head);
  const text =
    sniffed.container === "unknown"
      ? `is ${sniffed.description}`
      : `is ${sniffed.container === "hls" ? "a playlist" : `a file of the format ${sniffed.container}`}`;
  return { kind: "corrupt_segment", text };
}

function packetProblem(head: Uint8Array, size: PlainSize | null): SegmentProblem | null {
  for (let at = 0; at < head.length; at += TS_PACKET_BYTES) {
    if (head[at] !== TS_SYNC_BYTE) {
      return noPacket(at);
    }
  }
  if (size === null) {
    return null;
  }
  const lastEnd = size.maxBytes - (size.maxBytes % TS_PACKET_BYTES);
  return lastEnd >= size.minBytes ? null : cutPacket(sizeText(size));
}

function sizeText({ minBytes, maxBytes }: PlainSize): string {
  return minBytes === maxBytes ? `${maxBytes} bytes` : `${minBytes} to ${maxBytes} decrypted bytes`;
}

function boxProblem(head: Uint8Array, size: PlainSize | null): SegmentProblem | null {
  const limit = size?.maxBytes ?? Infinity;
  let holdsContent = false;
  let at = 0;
  while (at < Math.min(head.length, size?.minBytes ?? Infinity)) {
    const header = parseBoxHeader(head.subarray(at, at + MAX_HEADER_BYTES), at, limit);
    if (header.kind === "cut") {
      const isEnd = size !== null && head.length >= size.minBytes;
      return isEnd ? { kind: "short_segment", text: `ends inside the header of a box` } : null;
    }
    if (header.kind === "no_box" || isGarbage(header.box, limit)) {
      return { kind: "corrupt_segment", text: `has no box where one must begin, at byte ${at}` };
    }
    const { box } = header;
    if (box.end > limit) {
      return {
        kind: "short_segment",
        text: `is cut: its ${box.type} reaches to byte ${box.end}, the segment has ${limit}`,
      };
    }
    holdsContent ||= CONTENT_TYPES.has(box.type);
    at = box.end;
  }
  return holdsContent || size === null || at < size.minBytes
    ? null
    : { kind: "corrupt_segment", text: "has neither a header (moov) nor media data (mdat)" };
}

const CONTENT_TYPES: ReadonlySet<string> = new Set(["moov", "moof", "mdat"]);

/** Types that are not known must be passed over (ISO/IEC 14496-12, 4.2), unless they cannot be boxes at all. */
function isGarbage(box: Box, limit: number): boolean {
  return (
    !TOP_LEVEL_TYPES.has(box.type) &&
    (box.isOpenEnded || box.end > limit || box.end - box.start > MAX_UNKNOWN_BOX_BYTES)
  );
}
