import type { Container } from "@reelgate/shared/contract/media";
import { asciiAt, uint32At, uint8At } from "../bytes/big-endian.ts";
import { ADTS_HEADER_BYTES, readAdtsHeader } from "./adts/adts-header.ts";
import { id3TagBytes } from "./adts/id3-tag.ts";
import {
  type Box,
  MAX_HEADER_BYTES,
  MAX_UNKNOWN_BOX_BYTES,
  parseBoxHeader,
  TOP_LEVEL_TYPES,
} from "./mp4/box-header.ts";

/** What the first bytes are. For an unknown container a short description that is safe to show. */
export type SniffResult = { container: Container } | { container: "unknown"; description: string };

/** How many bytes `sniffContainer` makes use of; fewer are fine. */
export const SNIFF_BYTES = 65_536;

const TS_PACKET_BYTES = 188;
const TS_SYNC_BYTE = 0x47;
const TS_PACKETS_CHECKED = 8;

/**
 * The container by the first bytes of a file, never by its name or Content-Type. Total: any input gives a result, in
 * time independent of its length.
 */
export function sniffContainer(bytes: Uint8Array): SniffResult {
  if (isFlv(bytes)) {
    return { container: "flv" };
  }
  if (isHls(bytes)) {
    return { container: "hls" };
  }
  if (isMp4(bytes)) {
    return { container: "mp4" };
  }
  if (isMpegTs(bytes)) {
    return { container: "mpegts" };
  }
  if (isAdts(bytes, id3TagBytes(bytes, 0))) {
    return { container: "aac" };
  }
  return { container: "unknown", description: describeBytes(bytes) };
}

/** "FLV", version 1, reserved flag bits 0, header of 9 bytes or more (Adobe FLV 10.1, annex E.2). */
function isFlv(bytes: Uint8Array): boolean {
  return (
    asciiAt(bytes, 0, "FLV") &&
    bytes[3] === 1 &&
    (uint8At(bytes, 4) & 0b1111_1010) === 0 &&
    uint32At(bytes, 5) >= 9
  );
}

function isHls(bytes: Uint8Array): boolean {
  const start = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  // The tag must end there: "#EXTM3U8" is something else.
  const next = bytes[start + 7];
  return asciiAt(bytes, start, "#EXTM3U") && (next === undefined || next <= 0x20);
}

/** Boxes of unknown types before the first known one. */
const MAX_UNKNOWN_BOXES = 8;

/** A box of a known type (ISO/IEC 14496-12, QuickTime) at the beginning, or behind some small ones that are not known. */
function isMp4(bytes: Uint8Array): boolean {
  let at = 0;
  for (let boxes = 0; boxes <= MAX_UNKNOWN_BOXES; boxes += 1) {
    const header = parseBoxHeader(bytes.subarray(at, at + MAX_HEADER_BYTES), at, Infinity);
    if (header.kind !== "box") {
      return false;
    }
    const { box } = header;
    if (TOP_LEVEL_TYPES.has(box.type)) {
      return isPlausible(box);
    }
    if (box.end - box.start > MAX_UNKNOWN_BOX_BYTES) {
      return false;
    }
    at = box.end;
  }
  return false;
}

const UNLIMITED: ReadonlySet<string> = new Set(["mdat", "moov", "moof"]);

function isPlausible({ type, start, end, bodyStart, isOpenEnded }: Box): boolean {
  const size = end - start;
  if (isOpenEnded || bodyStart - start === MAX_HEADER_BYTES) {
    // "To the end of the file", and 64-bit sizes: only media data is written so.
    return type === "mdat";
  }
  if (type === "ftyp" || type === "styp") {
    return size >= 16 && size <= 4096;
  }
  return UNLIMITED.has(type) || size <= MAX_UNKNOWN_BOX_BYTES;
}

function isMpegTs(bytes: Uint8Array): boolean {
  if (bytes.length < TS_PACKET_BYTES) {
    return false;
  }
  const packets = Math.min(Math.ceil(bytes.length / TS_PACKET_BYTES), TS_PACKETS_CHECKED);
  for (let packet = 0; packet < packets; packet += 1) {
    if (bytes[packet * TS_PACKET_BYTES] !== TS_SYNC_BYTE) {
      return false;
    }
  }
  return true;
}

/** One ADTS frame, and a second one of the same stream behind it wherever the bytes reach that far. */
function isAdts(bytes: Uint8Array, start: number): boolean {
  const header = readAdtsHeader(bytes, start);
  if (header === null) {
    return false;
  }
  const next = start + header.frameBytes;
  if (next + ADTS_HEADER_BYTES > bytes.length) {
    return next >= bytes.length || uint8At(bytes, next) === 0xff;
  }
  return readAdtsHeader(bytes, next)?.stream === header.stream;
}

const SIGNATURES: readonly (readonly [description: string, start: string])[] = [
  ["a PNG image", "\u0089PNG"],
  ["a JPEG image", "\u00ff\u00d8\u00ff"],
  ["a GIF image", "GIF8"],
  ["a ZIP archive", "PK\u0003\u0004"],
  ["gzip data", "\u001f\u008b"],
  ["a PDF document", "%PDF"],
  ["a Matroska or WebM file", "\u001aE\u00df\u00a3"],
  ["an Ogg file", "OggS"],
  ["a RIFF file (WAV or AVI)", "RIFF"],
  ["an audio file with an ID3 tag that holds no AAC within reach", "ID3"],
];

function describeBytes(bytes: Uint8Array): string {
  if (bytes.length === 0) {
    return "an empty file";
  }
  const signature = SIGNATURES.find(([, start]) => asciiAt(bytes, 0, start));
  if (signature !== undefined) {
    return signature[0];
  }
  const head = Buffer.from(bytes.subarray(0, 1024)).toString("latin1");
  const text = head.replace(/^\u00ef\u00bb\u00bf/, "").trimStart();
  if (/^<(?:!doctype html|html|head|body)\b/i.test(text)) {
    return "an HTML document";
  }
  if (text.startsWith("<")) {
    const code = /<Code>([A-Za-z]{1,64})<\/Code>/.exec(text)?.[1];
    return code === undefined ? "an XML document" : `an XML error document (${code})`;
  }
  if (/^[{[]\s*(?:["{[\]}]|-?\d)/.test(text)) {
    return "a JSON document";
  }
  const first = bytes.subarray(0, 64);
  if (first.every((byte) => byte === 0)) {
    return "a file that begins with zero bytes";
  }
  if (
    first.every(
      (byte) => (byte >= 0x20 && byte < 0x7f) || byte === 0x0a || byte === 0x0d || byte === 0x09,
    )
  ) {
    return "plain text";
  }
  return `unknown data that begins with ${Buffer.from(bytes.subarray(0, 8)).toString("hex")}`;
}
