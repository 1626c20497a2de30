import { type Box, MAX_HEADER_BYTES, TOP_LEVEL_TYPES } from "./box-header.ts";
import { type BoxReader, FAR_READ_BYTES } from "./box-reader.ts";

/** How a chain of top-level boxes ends. `at` is the offset behind the last sound box. */
export type ChainEnd =
  /** The last box ends where the file ends. */
  | { kind: "complete"; at: number }
  /** A box ends beyond the file. */
  | { kind: "exceeds"; at: number; box: Box }
  /** Fewer bytes follow than a header has. */
  | { kind: "cut_header"; at: number; isZero: boolean }
  /** Zero bytes follow, as far as was looked: 64 KiB from here on, and the last 16 KiB of the file. */
  | { kind: "zeros"; at: number }
  | { kind: "no_box"; at: number; problem: string }
  /** The walk was to go no further. */
  | { kind: "stopped"; at: number };

export interface BoxChain {
  /** The boxes that end within the file. */
  boxes: Box[];
  end: ChainEnd;
}

export interface WalkOptions {
  maxBoxes: number;
  /** Ends the walk before that box. */
  until?: (box: Box) => boolean;
  /** No header from here on is looked at. */
  endAt?: number;
  /** Bytes fetched with a header that follows media data, so many bytes before the end of the file. Default 16 KiB. */
  fetchBytesBehindMdat?: (restBytes: number) => number;
  /** A box that is fetched whole, in one request with the header behind it, since all of it is wanted anyway. */
  fetchWhole?: (box: Box) => boolean;
}

/** Follows the top-level boxes from `start` on by their sizes alone: a jump from header to header. */
export async function walkBoxes(
  reader: BoxReader,
  start: number,
  options: WalkOptions,
): Promise<BoxChain> {
  const boxes: Box[] = [];
  const { sizeBytes } = reader;
  let at = start;
  while (at < sizeBytes) {
    if (boxes.length >= options.maxBoxes || at >= (options.endAt ?? Infinity)) {
      return { boxes, end: { kind: "stopped", at } };
    }
    const isBehindMdat = boxes.at(-1)?.type === "mdat";
    const fetchBytes = isBehindMdat ? options.fetchBytesBehindMdat?.(sizeBytes - at) : undefined;
    const header = await reader.header(at, sizeBytes, fetchBytes);
    switch (header.kind) {
      case "cut": {
        const rest = await reader.read(at, sizeBytes - at);
        return { boxes, end: { kind: "cut_header", at, isZero: isZero(rest) } };
      }
      case "no_box": {
        const isPadding = await isZeroFrom(reader, at);
        return {
          boxes,
          end: isPadding ? { kind: "zeros", at } : { kind: "no_box", at, problem: header.problem },
        };
      }
      case "box":
        break;
      default:
        header satisfies never;
    }
    const { box } = header;
    if (options.until?.(box) === true) {
      return { boxes, end: { kind: "stopped", at } };
    }
    if (box.end > sizeBytes) {
      return { boxes, end: beyondTheFile(box) };
    }
    if (options.fetchWhole?.(box) === true) {
      await reader.read(box.start, box.end - box.start + MAX_HEADER_BYTES);
    }
    boxes.push(box);
    at = box.end;
  }
  return { boxes, end: { kind: "complete", at } };
}

function beyondTheFile(box: Box): ChainEnd {
  // Any four letters can pass for a type: only a known one proves that something is missing rather than wrong.
  return TOP_LEVEL_TYPES.has(box.type)
    ? { kind: "exceeds", at: box.start, box }
    : {
        kind: "no_box",
        at: box.start,
        problem: `something that is no box ("${box.type}") begins`,
      };
}

const ZERO_CHECK_BYTES = 65_536;

async function isZeroFrom(reader: BoxReader, at: number): Promise<boolean> {
  if (!isZero(await reader.read(at, 8))) {
    return false;
  }
  const near = await reader.read(at, ZERO_CHECK_BYTES, ZERO_CHECK_BYTES);
  const lastStart = Math.max(reader.sizeBytes - FAR_READ_BYTES, at);
  return isZero(near) && isZero(await reader.read(lastStart, FAR_READ_BYTES));
}

function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}
