import { fourCcAt, uint32At, uint64At } from "../../bytes/big-endian.ts";

/** The longest header of a box: a 64-bit size. */
export const MAX_HEADER_BYTES = 16;

/** A box of a file (ISO/IEC 14496-12, 4.2). Positions are offsets in the file, or in the buffer that it was read from. */
export interface Box {
  /** Four printable characters. */
  type: string;
  start: number;
  bodyStart: number;
  /** Where it ends by its own size, which may be beyond the end of what is there. */
  end: number;
  /** Its size is written as 0: "to the end of the file". */
  isOpenEnded: boolean;
}

/** `cut`: the header itself is not all there. `no_box`: these bytes are no header of a box. */
export type BoxHeaderResult =
  | { kind: "box"; box: Box }
  | { kind: "cut" }
  | { kind: "no_box"; problem: string };

/**
 * Parses the header at the start of `bytes`, which lies at `start`. A size of 0 means up to `limit`, the end of what the
 * box is in.
 */
export function parseBoxHeader(bytes: Uint8Array, start: number, limit: number): BoxHeaderResult {
  if (bytes.length < 8) {
    return { kind: "cut" };
  }
  const type = fourCcAt(bytes, 4);
  if (!isPrintable(type)) {
    return { kind: "no_box", problem: "no box begins" };
  }
  const size = uint32At(bytes, 0);
  switch (size) {
    case 0:
      return {
        kind: "box",
        box: { type, start, bodyStart: start + 8, end: limit, isOpenEnded: true },
      };
    case 1: {
      if (bytes.length < MAX_HEADER_BYTES) {
        return { kind: "cut" };
      }
      const largeSize = uint64At(bytes, 8);
      if (largeSize < MAX_HEADER_BYTES || !Number.isSafeInteger(start + largeSize)) {
        return { kind: "no_box", problem: `${type} has an impossible size` };
      }
      return { kind: "box", box: sizedBox(type, start, MAX_HEADER_BYTES, largeSize) };
    }
    default:
      return size < 8
        ? { kind: "no_box", problem: `${type} has an impossible size` }
        : { kind: "box", box: sizedBox(type, start, 8, size) };
  }
}

function sizedBox(type: string, start: number, headerBytes: number, size: number): Box {
  return { type, start, bodyStart: start + headerBytes, end: start + size, isOpenEnded: false };
}

/** Text that looks like the header of a box has a size of half a gigabyte at least: its letters are above 0x20. */
export const MAX_UNKNOWN_BOX_BYTES = 16_777_216;

/** QuickTime's own types may begin with ©. */
function isPrintable(type: string): boolean {
  return /^[\u0020-\u007e\u00a9][\u0020-\u007e]{3}$/.test(type);
}

/** The most boxes that are looked at inside one box in memory; real ones have a dozen. */
const MAX_CHILDREN = 4096;

/** The boxes inside a buffer, from `start` to `end`. Ends silently at what is no box or does not fit. */
export function* childBoxes(
  bytes: Uint8Array,
  start: number,
  end: number = bytes.length,
): Generator<Box, void, undefined> {
  const limit = Math.min(end, bytes.length);
  for (let position = start, count = 0; position < limit && count < MAX_CHILDREN; count += 1) {
    const header = parseBoxHeader(
      bytes.subarray(position, Math.min(position + MAX_HEADER_BYTES, limit)),
      position,
      limit,
    );
    if (header.kind !== "box" || header.box.end > limit) {
      return;
    }
    yield header.box;
    position = header.box.end;
  }
}

/** The body of the first child of that type, or null. */
export function childBody(
  bytes: Uint8Array,
  type: string,
  start: number,
  end: number = bytes.length,
): Uint8Array | null {
  for (const box of childBoxes(bytes, start, end)) {
    if (box.type === type) {
      return bytes.subarray(box.bodyStart, box.end);
    }
  }
  return null;
}

/**
 * Boxes that stand at the top level of a file or a segment (ISO/IEC 14496-12 table 1, QuickTime, DASH, CMAF). One of
 * these that reaches beyond the end of the file is cut; anything else that does is garbage that looks like a box. One of an
 * unknown type that fits is passed over, as readers must (4.2).
 */
export const TOP_LEVEL_TYPES: ReadonlySet<string> = new Set([
  "ftyp",
  "styp",
  "moov",
  "moof",
  "mdat",
  "free",
  "skip",
  "wide",
  "uuid",
  "udta",
  "meta",
  "meco",
  "pdin",
  "pnot",
  "sidx",
  "ssix",
  "mfra",
  "emsg",
  "prft",
  "imda",
  "bloc",
  "pssh",
]);
