import type { EventLoopTurns } from "../../concurrency/event-loop-turns.ts";
import {
  type FlvTag,
  isTagStart,
  isTrailerOf,
  readTag,
  TAG_TRAILER_BYTES,
  type TagHabits,
} from "./flv-tag.ts";

/** Bytes of a file that a walk looks at. */
export interface TagWindow {
  bytes: Uint8Array;
  /** Of the first of them. */
  offset: number;
  /** Of the file. */
  sizeBytes: number;
  habits: TagHabits;
}

/**
 * Tags in a row that prove that one begins somewhere. With a right PreviousTagSize behind each, two are beyond chance
 * (some 2^-120 for each place); without it they have little to show, so it takes more.
 */
const TAGS_IN_A_ROW = 2;
const TAGS_IN_A_ROW_WITHOUT_TRAILERS = 6;

const TURN_EVERY_BYTES = 65_536;

/** Index of the first tag at or behind `from` that others follow, or null when there is none in the window. */
export async function findTags(
  window: TagWindow,
  from: number,
  turns: EventLoopTurns,
): Promise<number | null> {
  const { bytes, habits } = window;
  for (let at = from; at < bytes.length; at += 1) {
    if (at % TURN_EVERY_BYTES === 0 && turns.isOver()) {
      await turns.next();
    }
    if (isTagStart(bytes, at, habits.streamId) && isRowOfTags(window, at)) {
      return at;
    }
  }
  return null;
}

function isRowOfTags({ bytes, offset, sizeBytes, habits }: TagWindow, start: number): boolean {
  const needed = habits.isTrailerRight ? TAGS_IN_A_ROW : TAGS_IN_A_ROW_WITHOUT_TRAILERS;
  let at = start;
  for (let tags = 0; tags < needed; tags += 1) {
    // One whole tag is enough where the file ends behind it, or within the next one.
    const isEnough = tags > 0 && habits.isTrailerRight;
    const tag = readTag(bytes, at, offset, habits.streamId);
    if (tag === null) {
      const isEnd = offset + at === sizeBytes;
      return isEnough && (isEnd || isBeginning(bytes, at, habits));
    }
    const next = tagEndIndex(tag, offset);
    if (next > bytes.length) {
      return isEnough;
    }
    if (habits.isTrailerRight && !isTrailerOf(tag, bytes, next - TAG_TRAILER_BYTES)) {
      return false;
    }
    at = next;
  }
  return true;
}

function isBeginning(bytes: Uint8Array, at: number, { streamId }: TagHabits): boolean {
  return at < bytes.length && isTagStart(bytes, at, streamId);
}

/** Index behind the PreviousTagSize of a tag. */
export function tagEndIndex(tag: FlvTag, baseOffset: number): number {
  return tag.dataEnd + TAG_TRAILER_BYTES - baseOffset;
}
