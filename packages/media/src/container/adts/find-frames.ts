import { type AdtsHeader, readAdtsHeader } from "./adts-header.ts";
import { ID3_HEADER_BYTES, id3TagBytes } from "./id3-tag.ts";

/**
 * Frames in a row that prove that a sync word is one. Two bytes like it stand in every 4,096 bytes of noise, and in the
 * audio itself; three that point at each other do not.
 */
const FRAMES_IN_A_ROW = 3;

/**
 * Looks for the first frame at or behind `from`. `offset` is the place of the frame, or, without a header, how far it is
 * certain that there is none: more bytes are needed, unless `limit` is reached.
 *
 * @param start Where the search began: a frame right there is expected. Before `from` where it is gone on with.
 * @param limit Where the frames end, as an index into `bytes`; beyond its end when there are more bytes to come.
 * @param stream The stream that was there before; 0 at the beginning. One frame of it is enough at the end.
 */
export function findFrames(
  bytes: Uint8Array,
  from: number,
  start: number,
  limit: number,
  stream: number,
): { offset: number; header: AdtsHeader | null } {
  for (let offset = from; offset < bytes.length; offset += 1) {
    const isSync =
      bytes[offset] === 0xff &&
      (offset + 1 === bytes.length || ((bytes[offset + 1] ?? 0) & 0xf6) === 0xf0);
    if (!isSync) {
      continue;
    }
    const header = firstOfRow(bytes, offset, limit, stream, offset === start);
    if (header === "needs more bytes") {
      return { offset, header: null };
    }
    if (header !== null) {
      return { offset, header };
    }
  }
  return { offset: bytes.length, header: null };
}

function firstOfRow(
  bytes: Uint8Array,
  offset: number,
  limit: number,
  stream: number,
  isAtStart: boolean,
): AdtsHeader | "needs more bytes" | null {
  let first: AdtsHeader | null = null;
  let at = offset;
  for (let frames = 0; ; frames += 1) {
    // Where nothing can follow, fewer prove it.
    const isExpected: boolean = stream === 0 ? isAtStart : first?.stream === stream;
    const isEnough: boolean = frames >= 2 || (frames === 1 && isExpected);
    if (frames === FRAMES_IN_A_ROW || (at === limit && isEnough)) {
      return first;
    }
    if (bytes.length < limit && at + ID3_HEADER_BYTES > bytes.length) {
      return "needs more bytes";
    }
    const header = readAdtsHeader(bytes, at);
    if (header === null || (first !== null && header.stream !== first.stream)) {
      const isBreakExpected: boolean =
        isEnough && (id3TagBytes(bytes, at) > 0 || isBeginningOfFrame(bytes.subarray(at, limit)));
      return isBreakExpected ? first : null;
    }
    if (at + header.frameBytes > limit) {
      return isEnough ? first : null;
    }
    first ??= header;
    at += header.frameBytes;
  }
}

/** True for the first bytes of a header that is not all there. */
export function isBeginningOfFrame(rest: Uint8Array): boolean {
  return (
    rest.length < 7 && rest[0] === 0xff && (rest.length === 1 || ((rest[1] ?? 0) & 0xf6) === 0xf0)
  );
}
