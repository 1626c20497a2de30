import { uint24At, uint32At } from "../../bytes/big-endian.ts";

/** Bytes of a tag's header, and of the PreviousTagSize behind its data (Adobe FLV 10.1, annexes E.3 and E.4.1). */
export const TAG_HEADER_BYTES = 11;
export const TAG_TRAILER_BYTES = 4;

/** Header of the file with the first PreviousTagSize, when it is as long as all writers write it. */
const FILE_HEADER_BYTES = 9;

export type TagKind = "audio" | "video" | "script";

export interface FlvTag {
  /** In the file. */
  offset: number;
  kind: TagKind;
  dataBytes: number;
  /** Signed 32 bits, in milliseconds: time zero is anywhere, and it may wrap. */
  timestampMs: number;
  /** Behind the data, where PreviousTagSize stands. */
  dataEnd: number;
}

/** How the writer of a file fills what readers ignore. */
export interface TagHabits {
  /** Of every tag. 0 by the specification; captured streams keep the one of their connection. */
  streamId: number;
  /** False for writers that fill PreviousTagSize with something else: then it proves nothing. */
  isTrailerRight: boolean;
}

const KINDS: ReadonlyMap<number, TagKind> = new Map([
  [8, "audio"],
  [9, "video"],
  [15, "script"], // AMF3
  [18, "script"],
]);

/** Where the first tag begins, or null when this is no header of a FLV file. */
export function firstTagOffset(bytes: Uint8Array): number | null {
  const [f, l, v] = bytes;
  if (bytes.length < FILE_HEADER_BYTES || f !== 0x46 || l !== 0x4c || v !== 0x56) {
    return null;
  }
  const headerBytes = uint32At(bytes, 5);
  return headerBytes < FILE_HEADER_BYTES ? null : headerBytes + TAG_TRAILER_BYTES;
}

/** What the header of the file promises. Recorders write it before they know: the tags decide. */
export function promisedKinds(bytes: Uint8Array): TagKind[] {
  const flags = bytes[4] ?? 0;
  return [
    ...((flags & 1) === 0 ? [] : ["video" as const]),
    ...((flags & 4) === 0 ? [] : ["audio" as const]),
  ];
}

/** True when a tag may begin with these bytes, of which there may be fewer than a header has. */
export function isTagStart(bytes: Uint8Array, at: number, streamId: number): boolean {
  if (!KINDS.has(bytes[at] ?? 0)) {
    return false;
  }
  return at + TAG_HEADER_BYTES > bytes.length || uint24At(bytes, at + 8) === streamId;
}

/** Null when no tag begins there, or its header is not all there. */
export function readTag(
  bytes: Uint8Array,
  at: number,
  baseOffset: number,
  streamId: number,
): FlvTag | null {
  const kind = KINDS.get(bytes[at] ?? 0);
  if (
    kind === undefined ||
    at + TAG_HEADER_BYTES > bytes.length ||
    uint24At(bytes, at + 8) !== streamId
  ) {
    return null;
  }
  const dataBytes = uint24At(bytes, at + 1);
  const offset = baseOffset + at;
  return {
    offset,
    kind,
    dataBytes,
    // The fourth byte is the high one, and with it the number is signed.
    timestampMs: uint24At(bytes, at + 4) | ((bytes[at + 7] ?? 0) << 24),
    dataEnd: offset + TAG_HEADER_BYTES + dataBytes,
  };
}

/** True when the PreviousTagSize at `at` is that of the tag. */
export function isTrailerOf(tag: FlvTag, bytes: Uint8Array, at: number): boolean {
  return uint32At(bytes, at) === TAG_HEADER_BYTES + tag.dataBytes;
}
