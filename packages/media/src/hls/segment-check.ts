import { type BoxChecker, createBoxChecker } from "../container/mp4/box-checker.ts";
import { createContinuityWatch } from "../container/mpegts/continuity-watch.ts";
import { TS_PACKET_BYTES } from "../container/mpegts/packet.ts";
import { createSyncChecker } from "../container/mpegts/sync-checker.ts";
import { createFrameScanner } from "../container/adts/frame-scanner.ts";
import { inspectSegment } from "./inspect-segment.ts";
import { AES_BLOCK_BYTES, paddingBytes, startDecryption } from "./segment-cipher.ts";
import type { SegmentLock } from "./segment-keys.ts";
import {
  cutBlock,
  cutPacket,
  EMPTY,
  missingPackets,
  noPacket,
  type SegmentProblem,
  undecryptable,
  WRONG_PADDING,
} from "./segment-problems.ts";

/** Verifies a whole segment or init section while it streams by, in memory independent of its length. */
export interface SegmentVerifier {
  /** Bytes as served. The buffer may be reused afterwards. */
  push(chunk: Uint8Array): void;
  /** The bytes end here: what is wrong with them, or null. Called once. */
  end(): SegmentProblem | null;
}

/** As much as the boxes or packets at the start need to be told from foreign data. */
const HEAD_BYTES = 4096;

/**
 * Starts a verification. A transport stream must have its sync byte every 188 bytes to the very end, and counters that go on; fMP4 must be boxes of
 * which the last ends where the bytes end; what is encrypted must be whole blocks, decrypt to one of these, and end in valid
 * padding (RFC 8216, 4.3.2.4). AAC must be frame behind frame; MP3, AC-3 and WebVTT are known by their beginnings alone. Of a
 * sealed segment nothing can be said but that it is not empty.
 *
 * A problem is one of this segment alone, whatever it is: wrong padding, which ends the whole job elsewhere
 * (https://github.com/yt-dlp/yt-dlp/issues/7885), included.
 */
export function createSegmentVerifier(lock: SegmentLock): SegmentVerifier {
  switch (lock.kind) {
    case "clear":
    case "samples":
      return notEmpty(createPlainVerifier());
    case "sealed":
      return notEmpty({ push: () => {}, end: () => null });
    case "aes":
      return notEmpty(createEncryptedVerifier(lock.cipher));
    default:
      return lock satisfies never;
  }
}

function notEmpty(verifier: SegmentVerifier): SegmentVerifier {
  let isEmpty = true;
  return {
    push(chunk): void {
      isEmpty &&= chunk.length === 0;
      verifier.push(chunk);
    },
    end: () => (isEmpty ? EMPTY : verifier.end()),
  };
}

function createPlainVerifier(): SegmentVerifier {
  const head = new Uint8Array(HEAD_BYTES);
  let headLength = 0;
  let body: SegmentVerifier | null = null;

  function startBody(): SegmentVerifier {
    const bytes = head.subarray(0, headLength);
    const started = bodyVerifier(bytes);
    started.push(bytes);
    return started;
  }
  return {
    push(chunk): void {
      let rest = chunk;
      if (body === null) {
        const part = chunk.subarray(0, HEAD_BYTES - headLength);
        head.set(part, headLength);
        headLength += part.length;
        rest = chunk.subarray(part.length);
        body = headLength === HEAD_BYTES ? startBody() : null;
      }
      body?.push(rest);
    },
    end: () => (body ?? startBody()).end(),
  };
}

function bodyVerifier(head: Uint8Array): SegmentVerifier {
  // A segment that is shorter than the head has its end in it; of a longer one nothing is known of the end yet.
  const size = head.length < HEAD_BYTES ? { minBytes: head.length, maxBytes: head.length } : null;
  const { format, problem } = inspectSegment(head, size);
  if (problem !== null) {
    return { push: () => {}, end: () => problem };
  }
  switch (format) {
    case "mpegts":
      return createPacketVerifier();
    case "fmp4":
      return fromBoxChecker(createBoxChecker());
    case "aac":
      return createFrameVerifier(size?.maxBytes ?? Number.MAX_SAFE_INTEGER);
    default:
      return { push: () => {}, end: () => null };
  }
}

function createPacketVerifier(): SegmentVerifier {
  const checker = createSyncChecker();
  const continuity = createContinuityWatch();
  return {
    push(chunk): void {
      checker.push(chunk);
      continuity.push(chunk);
    },
    end(): SegmentProblem | null {
      const { lostAt, position } = checker;
      if (lostAt !== null) {
        return noPacket(lostAt);
      }
      if (position % TS_PACKET_BYTES !== 0) {
        return cutPacket(`${position} bytes`);
      }
      const gapAt = continuity.gapAt();
      return gapAt === null ? null : missingPackets(gapAt);
    },
  };
}

/** @param end Where the bytes end; beyond any file when it is not known: three frames in a row must prove the first then. */
function createFrameVerifier(end: number): SegmentVerifier {
  let sizeBytes = 0;
  let lostAt: number | null = null;
  // Where the bytes end is not known before they do: the position that the scanner expects next tells it then.
  const scanner = createFrameScanner(0, end, ({ offset }) => {
    lostAt ??= offset;
  });
  return {
    push(chunk): void {
      sizeBytes += chunk.length;
      scanner.push(chunk);
    },
    end(): SegmentProblem | null {
      scanner.finish();
      if (lostAt !== null) {
        return { kind: "corrupt_segment", text: `has bytes that are no AAC, at byte ${lostAt}` };
      }
      return scanner.found.cut === null && scanner.found.position === sizeBytes
        ? null
        : { kind: "short_segment", text: "ends inside a frame of AAC" };
    },
  };
}

function fromBoxChecker(checker: BoxChecker): SegmentVerifier {
  return {
    push: (chunk) => checker.push(chunk),
    end(): SegmentProblem | null {
      const problem = checker.end();
      return problem === null
        ? null
        : { kind: "corrupt_segment", text: `is not whole: ${problem}` };
    },
  };
}

function createEncryptedVerifier(
  cipher: Extract<SegmentLock, { kind: "aes" }>["cipher"],
): SegmentVerifier {
  const decryption = startDecryption(cipher);
  const plain = createPlainVerifier();
  let servedBytes = 0;
  /** The last plain block, which may be the padded one. */
  let last: Uint8Array = new Uint8Array();
  return {
    push(chunk): void {
      servedBytes += chunk.length;
      const decrypted = decryption.update(chunk);
      if (decrypted.length > 0) {
        plain.push(last);
        plain.push(decrypted.subarray(0, -AES_BLOCK_BYTES));
        last = decrypted.subarray(-AES_BLOCK_BYTES);
      }
    },
    end(): SegmentProblem | null {
      if (servedBytes % AES_BLOCK_BYTES !== 0) {
        return cutBlock(servedBytes);
      }
      const padding = paddingBytes(last);
      if (padding !== null) {
        plain.push(last.subarray(0, AES_BLOCK_BYTES - padding));
        return plain.end();
      }
      const problem = plain.end();
      return problem?.kind === "corrupt_segment" ? undecryptable(problem) : WRONG_PADDING;
    },
  };
}
