import { AAC_SAMPLE_RATES_HZ } from "../../codec/audio-specific-config.ts";
import type { LostBytes } from "../lost-bytes.ts";
import { ADTS_HEADER_BYTES, type AdtsHeader, readAdtsHeader } from "./adts-header.ts";
import { findFrames, isBeginningOfFrame } from "./find-frames.ts";
import { ID3_HEADER_BYTES, id3TagBytes } from "./id3-tag.ts";

/** What a scan has found so far. Offsets are those of the file. */
export interface ScannedFrames {
  /** Whole frames alone. */
  frames: number;
  durationS: number;
  /** Null when there is not one frame. */
  first: { offset: number; header: AdtsHeader } | null;
  /** The next byte that is not yet known to belong to anything. */
  position: number;
  /** A last frame, or a tag, that would end beyond the end, and the least size that the file would need for it. */
  cut: { offset: number; neededBytes: number } | null;
}

/**
 * Counts the frames of a range of a file that comes in pieces. What it finds does not depend on where the pieces are
 * cut. Total, and holds at most some 16 KiB between two pieces.
 */
export interface FrameScanner {
  push(piece: Uint8Array): void;
  /** After the last piece. Reports what is left over. */
  finish(): void;
  readonly found: ScannedFrames;
}

/**
 * @param start Offset of the first byte that will be pushed.
 * @param end Offset behind the last byte that may belong to a frame; what comes behind it is ignored.
 * @param onLost Called for each run of bytes that are no frame.
 */
export function createFrameScanner(
  start: number,
  end: number,
  onLost: (lost: LostBytes) => void,
): FrameScanner {
  // Bytes that are still needed, and their offset in the file.
  let buffer: Uint8Array = new Uint8Array(0);
  let base = start;
  // Where the next header must be, and what it must look like; 0 before the first.
  let next = start;
  let stream = 0;
  let lostAt: number | null = null;
  let cutCandidate: ScannedFrames["cut"] = null;
  // Samples of the current stream, whose rate is one.
  let samples = 0;
  let rateHz = 0;
  let earlierS = 0;
  const found: ScannedFrames = { frames: 0, durationS: 0, first: null, position: start, cut: null };

  /** Passes all frames that are there and look alike. The hot loop: no call, no allocation. */
  function passFrames(): void {
    const bytes = buffer;
    const limit = Math.min(bytes.length, end - base);
    let at = next - base;
    while (at + ADTS_HEADER_BYTES <= limit && bytes[at] === 0xff) {
      const b1 = bytes[at + 1] ?? 0;
      const b3 = bytes[at + 3] ?? 0;
      const looks = ((b1 & 0xfe) << 16) | (((bytes[at + 2] ?? 0) & 0xfd) << 8) | (b3 & 0xc0);
      const length = ((b3 & 3) << 11) | ((bytes[at + 4] ?? 0) << 3) | ((bytes[at + 5] ?? 0) >> 5);
      if (looks !== stream || length <= 9 - (b1 & 1) * 2 || base + at + length > end) {
        break;
      }
      samples += (((bytes[at + 6] ?? 0) & 3) + 1) * 1024;
      found.frames += 1;
      at += length;
    }
    next = base + at;
  }

  /** Something else than the next frame of the stream. False when more bytes are needed to tell what. */
  function passOther(): boolean {
    const at = next - base;
    const isLast = base + buffer.length >= end;
    if (!isLast && at + ID3_HEADER_BYTES > buffer.length) {
      return false;
    }
    const tagBytes = id3TagBytes(buffer, at);
    if (tagBytes > 0) {
      // Segments of HLS that were put together keep their tags.
      if (next + tagBytes > end) {
        found.cut = { offset: next, neededBytes: next + tagBytes };
      }
      next = Math.min(next + tagBytes, end);
      return true;
    }
    lostAt = next;
    cutCandidate = frameAcrossEnd(buffer.subarray(at), next);
    return true;
  }

  /** The frame that begins there and would end beyond the end. */
  function frameAcrossEnd(bytes: Uint8Array, offset: number): ScannedFrames["cut"] {
    const header = readAdtsHeader(bytes, 0);
    if (header === null) {
      return offset + bytes.length >= end && isBeginningOfFrame(bytes)
        ? { offset, neededBytes: offset + ADTS_HEADER_BYTES }
        : null;
    }
    const frameEnd = offset + header.frameBytes;
    return frameEnd > end && (stream === 0 || header.stream === stream)
      ? { offset, neededBytes: frameEnd }
      : null;
  }

  /** Looks for the stream, or another one. False when more bytes are needed. */
  function search(from: number): boolean {
    const result = findFrames(buffer, next - base, from - base, end - base, stream);
    next = base + result.offset;
    if (result.header === null) {
      return false;
    }
    if (next > from) {
      onLost({ offset: from, bytes: next - from });
    }
    lostAt = null;
    earlierS += rateHz === 0 ? 0 : samples / rateHz;
    samples = 0;
    stream = result.header.stream;
    rateHz = AAC_SAMPLE_RATES_HZ[result.header.samplingIndex] ?? 0;
    found.first ??= { offset: next, header: result.header };
    return true;
  }

  function isStepDone(): boolean {
    if (lostAt !== null) {
      return search(lostAt);
    }
    passFrames();
    return next < Math.min(end, base + buffer.length) && passOther();
  }

  function update(): void {
    found.position = next;
    found.durationS = earlierS + (rateHz === 0 ? 0 : samples / rateHz);
  }

  return {
    found,
    push(piece): void {
      const room = end - base - buffer.length;
      const added = piece.length > room ? piece.subarray(0, Math.max(room, 0)) : piece;
      buffer = buffer.length === 0 ? added : Buffer.concat([buffer, added]);
      while (isStepDone()) {
        // Each step moves on or changes what is looked for.
      }
      const keepFrom = Math.min(next - base, buffer.length);
      // A copy: a piece is often a view of something larger.
      base += keepFrom;
      buffer = buffer.slice(keepFrom);
      update();
    },
    finish(): void {
      if (lostAt === null) {
        return;
      }
      if (cutCandidate === null) {
        onLost({ offset: lostAt, bytes: end - lostAt });
      } else {
        found.cut = cutCandidate;
      }
    },
  };
}
