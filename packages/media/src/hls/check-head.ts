import { sniffContainer } from "../container/sniff.ts";
import { inspectSegment, type PlainSize, type SegmentFormat } from "./inspect-segment.ts";
import {
  AES_BLOCK_BYTES,
  decryptHead,
  paddingBytes,
  type SegmentCipher,
} from "./segment-cipher.ts";
import type { SegmentLock } from "./segment-keys.ts";
import type { SegmentPart } from "./segment-plan.ts";
import {
  cutBlock,
  EMPTY,
  type SegmentProblem,
  undecryptable,
  WRONG_PADDING,
} from "./segment-problems.ts";

/** What the first bytes of a part show, and its size. */
export interface HeadCheck {
  /** Null when nothing was found wrong, also when nothing could be seen. */
  problem: SegmentProblem | null;
  /** Why nothing of it could be seen, or null. Speaks of "them". */
  unseen: string | null;
  format: SegmentFormat | null;
  /** The plain beginning; null when it could not be seen. */
  head: Uint8Array | null;
  cipher: SegmentCipher | null;
}

const NOTHING: HeadCheck = { problem: null, unseen: null, format: null, head: null, cipher: null };

/** What the size of its file alone tells of a part that was not asked for. */
export function checkSize(part: SegmentPart, fileSizeBytes: number | null): HeadCheck {
  return { ...NOTHING, problem: sizeProblem(part, fileSizeBytes) };
}

/**
 * Judges a part by its first bytes as served.
 *
 * @param bytes Null when the origin would not give them.
 * @param fileSizeBytes Of the whole file; null when the origin does not tell it.
 */
export function checkHead(
  part: SegmentPart,
  lock: SegmentLock,
  bytes: Uint8Array | null,
  fileSizeBytes: number | null,
): HeadCheck {
  const sizeBytes = part.byteRange?.length ?? fileSizeBytes;
  const problem = sizeProblem(part, fileSizeBytes);
  if (problem !== null) {
    return { ...NOTHING, problem };
  }
  if (bytes === null) {
    return { ...NOTHING, unseen: "the origin takes no ranges" };
  }
  switch (lock.kind) {
    case "sealed":
      return { ...NOTHING, unseen: lock.why };
    case "clear":
    case "samples": {
      const size = sizeBytes === null ? null : { minBytes: sizeBytes, maxBytes: sizeBytes };
      return { ...NOTHING, ...inspectSegment(bytes, size), head: bytes };
    }
    case "aes":
      return checkEncrypted(bytes, sizeBytes, lock.cipher);
    default:
      return lock satisfies never;
  }
}

function sizeProblem(
  { byteRange }: SegmentPart,
  fileSizeBytes: number | null,
): SegmentProblem | null {
  const neededBytes = byteRange === null ? 1 : byteRange.offset + byteRange.length;
  if (fileSizeBytes === null || fileSizeBytes >= neededBytes) {
    return null;
  }
  return fileSizeBytes === 0
    ? EMPTY
    : {
        kind: "short_segment",
        text: `reaches to byte ${neededBytes} of a file that has ${fileSizeBytes}`,
      };
}

function checkEncrypted(
  bytes: Uint8Array,
  sizeBytes: number | null,
  cipher: SegmentCipher,
): HeadCheck {
  if (sizeBytes !== null && sizeBytes % AES_BLOCK_BYTES !== 0) {
    return { ...NOTHING, problem: describeForeign(bytes) ?? cutBlock(sizeBytes) };
  }
  const plain = decryptHead(bytes, cipher);
  const padding = plain.length === sizeBytes ? paddingBytes(plain.subarray(-AES_BLOCK_BYTES)) : 0;
  const head = plain.subarray(0, plain.length - (padding ?? 0));
  const inspection = inspectSegment(head, plainSize(sizeBytes, head.length, padding));
  if (inspection.format === null && inspection.problem !== null) {
    const problem = describeForeign(bytes) ?? undecryptable(inspection.problem);
    return { ...NOTHING, problem };
  }
  const problem = inspection.problem ?? (padding === null ? WRONG_PADDING : null);
  return { ...NOTHING, ...inspection, problem, head, cipher };
}

function plainSize(
  sizeBytes: number | null,
  headBytes: number,
  padding: number | null,
): PlainSize | null {
  if (sizeBytes === null || padding === null) {
    return null;
  }
  return padding > 0
    ? { minBytes: headBytes, maxBytes: headBytes }
    : { minBytes: sizeBytes - AES_BLOCK_BYTES, maxBytes: sizeBytes - 1 };
}

/** Bytes as served that are no cipher text: an error page, or media in the clear. Null for what may be cipher text. */
function describeForeign(bytes: Uint8Array): SegmentProblem | null {
  const sniffed = sniffContainer(bytes);
  if (sniffed.container !== "unknown") {
    return {
      kind: "corrupt_segment",
      text: "is not encrypted, though the playlist says so: no player can decrypt it",
    };
  }
  return sniffed.description.startsWith("unknown data")
    ? null
    : { kind: "corrupt_segment", text: `is ${sniffed.description}` };
}
