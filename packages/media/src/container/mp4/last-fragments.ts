import { fourCcAt } from "../../bytes/big-endian.ts";
import type { Box } from "./box-header.ts";
import type { BoxReader } from "./box-reader.ts";
import { MAX_READ_BYTES } from "../../source/byte-source.ts";
import type { FragmentIndex } from "./fragment-index.ts";
import { type BoxChain, walkBoxes } from "./walk-boxes.ts";

/** Boxes behind the place where the last fragments begin: a few for each track. */
const MAX_TAIL_BOXES = 1024;
/** Behind an index: as many far looks at 32 KiB stay within 4 MiB. */
const MAX_INDEXED_BOXES = 128;

/**
 * The boxes from the last fragment of that index on, or null when the index does not lead there. From the earliest of the
 * tracks' last fragments, since tracks may have fragments of their own.
 */
export async function followFragmentIndex(
  reader: BoxReader,
  index: FragmentIndex,
  trackIds: ReadonlySet<number>,
): Promise<BoxChain | null> {
  const offsets = index.lastOffsets.filter(({ trackId }) => trackIds.has(trackId));
  if (offsets.length === 0) {
    return null;
  }
  for (const choose of [Math.min, Math.max]) {
    const from = choose(...offsets.map(({ offset }) => offset));
    if (from >= index.start) {
      return null;
    }
    const chain = await walkBoxes(reader, from, { maxBoxes: MAX_INDEXED_BOXES });
    const reachesIndex = chain.boxes.some(({ start }) => start === index.start);
    if (reachesIndex && chain.boxes[0]?.type === "moof") {
      return chain;
    }
  }
  return null;
}

/** How far back the last fragment is looked for. Two seconds at 1 Mbit/s are 256 KiB. */
const TAIL_BYTES = [65_536, 262_144, 1_048_576, 4_194_304];
/** Places that look like a fragment and are none; media data holds one by chance every few terabytes. */
const MAX_ATTEMPTS = 64;

/**
 * Looks for the last fragments from the end of the file, in growing steps: the first `moof` in reach from which a chain of
 * boxes leads to the end of the file, or to the box that is cut there. Null when there is none within 4 MiB.
 *
 * @param from Nothing before it is looked at: where the first fragment begins.
 */
export async function findLastFragments(
  reader: BoxReader,
  from: number,
  hasEnough: (chain: BoxChain) => Promise<boolean>,
): Promise<BoxChain | null> {
  let best: BoxChain | null = null;
  let windowStart = reader.sizeBytes;
  let bytes = new Uint8Array();
  let attempts = 0;
  for (const tailBytes of TAIL_BYTES) {
    const start = Math.max(from, reader.sizeBytes - tailBytes);
    if (start >= windowStart) {
      break;
    }
    const searchedFrom = windowStart;
    bytes = new Uint8Array(Buffer.concat([await readRange(reader, start, windowStart), bytes]));
    windowStart = start;
    for (const at of fragmentStarts(bytes, windowStart, searchedFrom)) {
      attempts += 1;
      if (attempts > MAX_ATTEMPTS) {
        return best;
      }
      const chain = await walkBoxes(reader, at, { maxBoxes: MAX_TAIL_BOXES });
      if (chain.end.kind === "no_box" || chain.end.kind === "stopped") {
        continue;
      }
      best = chain;
      break;
    }
    if (best !== null && (await hasEnough(best))) {
      return best;
    }
  }
  return best;
}

async function readRange(reader: BoxReader, start: number, end: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for (let at = start; at < end;) {
    const part = await reader.read(at, Math.min(end - at, MAX_READ_BYTES), end - at);
    if (part.length === 0) {
      break;
    }
    parts.push(part);
    at += part.length;
  }
  return new Uint8Array(Buffer.concat(parts));
}

const MOOF_TYPE = Buffer.from("moof");
/** Bytes of the part that was searched before which a header may reach into. */
const HEADER_OVERLAP_BYTES = 16;
/** Keeps the search short in data that was made to hold nothing else. */
const MAX_CANDIDATES = 10_000;

/** Where a `moof` may begin before `end`: its type, and `mfhd` as its first box as far as the file goes. */
function* fragmentStarts(
  bytes: Uint8Array,
  start: number,
  end: number,
): Generator<number, void, undefined> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  let found = buffer.indexOf(MOOF_TYPE, 4);
  for (let count = 0; found !== -1 && count < MAX_CANDIDATES; count += 1) {
    const at = found - 4;
    if (start + at >= end + HEADER_OVERLAP_BYTES) {
      return;
    }
    if (at + 16 > bytes.length || fourCcAt(bytes, at + 12) === "mfhd") {
      yield start + at;
    }
    found = buffer.indexOf(MOOF_TYPE, found + 1);
  }
}

/** The fragments of a chain, those that are cut too. */
export function moofsOf(chain: BoxChain): Box[] {
  const cut = chain.end.kind === "exceeds" ? [chain.end.box] : [];
  return [...chain.boxes, ...cut].filter(({ type }) => type === "moof");
}
