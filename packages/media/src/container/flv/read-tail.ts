import { uint32At } from "../../bytes/big-endian.ts";
import type { EventLoopTurns } from "../../concurrency/event-loop-turns.ts";
import { type ByteSource, MAX_READ_BYTES } from "../../source/byte-source.ts";
import { findTags, type TagWindow } from "./find-tags.ts";
import {
  type FlvTag,
  isTrailerOf,
  readTag,
  TAG_HEADER_BYTES,
  TAG_TRAILER_BYTES,
  type TagHabits,
  type TagKind,
} from "./flv-tag.ts";
import { dataOf, type TagsEnd, type TagVisitor, walkTags, windowFrom } from "./walk-tags.ts";

const WINDOW_BYTES = 65_536;
const BLOCK_BYTES = 16_384;

/** Where tags are looked for when the end of the file is not that of one. A key frame of 4K video takes 1 to 2 MiB. */
const SEARCH_BYTES: readonly number[] = [WINDOW_BYTES, 262_144, 1_048_576, 4_194_304];

/** Bytes that are read of a tag that begins before the window: more than any header of audio and video has. */
const FAR_TAG_BYTES = 64;

export type TailEnd =
  | TagsEnd
  /** There was no tag at the beginning either. */
  | { kind: "no_tags" }
  /** No tag in the last `searchedBytes`. */
  | { kind: "nothing"; searchedBytes: number };

/**
 * Visits the last tags of a file, in their order: those of the last 64 KiB when it ends with a whole one, from which
 * PreviousTagSize leads back from tag to tag; else those behind the first one that is found in the last 4 MiB.
 *
 * @param floor Offset of a tag, before which nothing is looked at: that was read already.
 * @param kinds Of which there were tags before it.
 */
export async function readTail(
  source: ByteSource,
  floor: number,
  kinds: readonly TagKind[],
  habits: TagHabits,
  visitor: TagVisitor,
  turns: EventLoopTurns,
): Promise<TailEnd> {
  const { sizeBytes } = source;
  const windowStart = Math.max(floor, alignedStart(sizeBytes, WINDOW_BYTES));
  const window = await readWindow(source, windowStart, habits);
  const tags = habits.isTrailerRight ? await walkBack(source, window, floor, kinds) : null;
  if (tags !== null) {
    for (const { tag, data } of tags.toReversed()) {
      visitor.onTag(tag, data);
    }
    return { kind: "clean" };
  }
  for (const searchedBytes of SEARCH_BYTES) {
    const start = Math.max(floor, alignedStart(sizeBytes, searchedBytes));
    const wider = start === windowStart ? window : await readWindow(source, start, habits);
    const first = start === floor ? 0 : await findTags(wider, 0, turns);
    if (first !== null) {
      const end = await walkTags(windowFrom(wider, first), visitor, turns);
      if (end.kind !== "more" && end.kind !== "lost-in-window") {
        return end;
      }
    }
    if (start === floor) {
      break;
    }
  }
  return { kind: "nothing", searchedBytes: Math.min(sizeBytes - floor, SEARCH_BYTES.at(-1) ?? 0) };
}

/** At the beginning of a block, so that nothing is fetched for the sake of a few bytes. */
function alignedStart(sizeBytes: number, lastBytes: number): number {
  return Math.ceil(Math.max(0, sizeBytes - lastBytes) / BLOCK_BYTES) * BLOCK_BYTES;
}

async function readWindow(
  source: ByteSource,
  start: number,
  habits: TagHabits,
): Promise<TagWindow> {
  const parts: Uint8Array[] = [];
  for (let offset = start; offset < source.sizeBytes; offset += MAX_READ_BYTES) {
    const length = Math.min(MAX_READ_BYTES, source.sizeBytes - offset);
    parts.push(await source.read(offset, length, { fetchBytes: length }));
  }
  const [first, ...others] = parts;
  const bytes = first === undefined || others.length > 0 ? Buffer.concat(parts) : first;
  return { bytes, offset: start, sizeBytes: source.sizeBytes, habits };
}

interface FoundTag {
  tag: FlvTag;
  data: Uint8Array;
}

/** The last tags, the last one first; null when PreviousTagSize leads to something that is no tag of that size. */
async function walkBack(
  source: ByteSource,
  window: TagWindow,
  floor: number,
  kinds: readonly TagKind[],
): Promise<FoundTag[] | null> {
  const found: FoundTag[] = [];
  let end = source.sizeBytes;
  while (end > window.offset) {
    const trailer = await readBytes(source, window, end - TAG_TRAILER_BYTES, TAG_TRAILER_BYTES);
    const start = end - TAG_TRAILER_BYTES - uint32At(trailer, 0);
    if (start < floor || start > end - TAG_TRAILER_BYTES - TAG_HEADER_BYTES) {
      return null;
    }
    const isFar = start < window.offset;
    if (isFar && hasEnough(found, kinds)) {
      return found;
    }
    const head = await readBytes(source, window, start, isFar ? FAR_TAG_BYTES : TAG_HEADER_BYTES);
    const tag = readTag(head, 0, start, window.habits.streamId);
    if (tag === null || !isTrailerOf(tag, trailer, 0)) {
      return null;
    }
    found.push({ tag, data: isFar ? beginningOf(tag, head) : dataOf(window, tag) });
    end = start;
  }
  return found;
}

/** With two of each kind, one of which may be the mark of its end, a request for one tag more would tell nothing new. */
function hasEnough(found: readonly FoundTag[], kinds: readonly TagKind[]): boolean {
  return kinds.every((kind) => found.filter(({ tag }) => tag.kind === kind).length >= 2);
}

function beginningOf(tag: FlvTag, head: Uint8Array): Uint8Array {
  return head.subarray(TAG_HEADER_BYTES, TAG_HEADER_BYTES + tag.dataBytes);
}

async function readBytes(
  source: ByteSource,
  window: TagWindow,
  offset: number,
  length: number,
): Promise<Uint8Array> {
  const index = offset - window.offset;
  return index < 0
    ? await source.read(offset, length, { fetchBytes: BLOCK_BYTES })
    : window.bytes.subarray(index, index + length);
}
