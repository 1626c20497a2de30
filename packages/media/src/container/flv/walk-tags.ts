import type { EventLoopTurns } from "../../concurrency/event-loop-turns.ts";
import type { LostBytes } from "../lost-bytes.ts";
import { findTags, tagEndIndex, type TagWindow } from "./find-tags.ts";
import {
  firstTagOffset,
  type FlvTag,
  isTagStart,
  isTrailerOf,
  readTag,
  TAG_HEADER_BYTES,
  TAG_TRAILER_BYTES,
} from "./flv-tag.ts";

/** With the first PreviousTagSize. No writer makes it longer. */
const MAX_HEADER_BYTES = 64;

export interface TagVisitor {
  /** @param data Of the tag; only its beginning where a window ends within it. */
  onTag(tag: FlvTag, data: Uint8Array): void;
  onLost(lost: LostBytes): void;
}

/** How the tags of a file end. */
export type TagsEnd =
  /** With the last PreviousTagSize. */
  | { kind: "clean" }
  /** Within a tag. `tag` is null when not even its header is all there. */
  | { kind: "cut"; offset: number; neededBytes: number; tag: FlvTag | null }
  /** With its data: the last PreviousTagSize, from `offset` on, is not all there. */
  | { kind: "no_trailer"; offset: number }
  /**
   * With bytes that belong to no tag, from `offset` on. `onLost` was not told of them. `isWithinTag`: a tag begins there,
   * and what follows is not the rest of it.
   */
  | { kind: "lost"; offset: number; isWithinTag: boolean };

/** How the tags of a window end. */
export type WindowEnd =
  | TagsEnd
  /** The file goes on. `offset` is that of the first tag that is not all in the window, which was not visited. */
  | { kind: "more"; offset: number; tag: FlvTag | null }
  /** The file goes on, and from `lostAt` to the end of the window there is no tag. */
  | { kind: "lost-in-window"; lostAt: number };

/**
 * Visits the tags of a window that begins with one. Where the next tag is not where the one before it says, it looks for
 * one behind that place. A tag counts when its PreviousTagSize is right, or when sound tags follow it all the same.
 */
export async function walkTags(
  window: TagWindow,
  visitor: TagVisitor,
  turns: EventLoopTurns,
): Promise<WindowEnd> {
  const { bytes, offset, sizeBytes } = window;
  let at = 0;
  for (;;) {
    if (turns.isOver()) {
      await turns.next();
    }
    const step = judgeTag(window, at);
    switch (step.kind) {
      case "tag":
        visitor.onTag(step.tag, dataOf(window, step.tag));
        at = step.next;
        break;
      case "end":
        return step.end;
      case "suspect": {
        const headerBytes = anotherHeader(window, at);
        if (headerBytes > 0) {
          at += headerBytes;
          break;
        }
        const found = await findTags(window, at + 1, turns);
        if (found !== null) {
          visitor.onLost({ offset: offset + at, bytes: found - at });
          at = found;
          break;
        }
        if (step.cut !== null) {
          return withoutTrailer(window, step.cut, visitor) ?? step.cut;
        }
        if (offset + bytes.length < sizeBytes) {
          return { kind: "lost-in-window", lostAt: offset + at };
        }
        const isWithinTag = readTag(bytes, at, offset, window.habits.streamId) !== null;
        return { kind: "lost", offset: offset + at, isWithinTag };
      }
      default:
        step satisfies never;
    }
  }
}

type Cut = Extract<TagsEnd, { kind: "cut" }>;

/** The last tag of a file has all of its data, and nothing but its PreviousTagSize is cut off. */
function withoutTrailer(
  window: TagWindow,
  { tag }: Cut,
  visitor: TagVisitor,
): Extract<TagsEnd, { kind: "no_trailer" }> | null {
  if (tag === null || tag.dataEnd > window.sizeBytes) {
    return null;
  }
  visitor.onTag(tag, dataOf(window, tag));
  return { kind: "no_trailer", offset: tag.dataEnd };
}

/** Recorders append one file to another, header and all; players pass over it. 0 when there is none, with a tag behind it. */
function anotherHeader({ bytes, habits }: TagWindow, at: number): number {
  const headerBytes = firstTagOffset(bytes.subarray(at, at + MAX_HEADER_BYTES)) ?? 0;
  const isFollowed =
    headerBytes > 0 &&
    headerBytes <= MAX_HEADER_BYTES &&
    readTag(bytes, at + headerBytes, 0, habits.streamId) !== null;
  return isFollowed ? headerBytes : 0;
}

/**
 * The same for a window that begins anywhere, when no tag was found from `lostAt` on. Null: it begins with a tag.
 */
export async function walkWindow(
  window: TagWindow,
  lostAt: number | null,
  visitor: TagVisitor,
  turns: EventLoopTurns,
): Promise<WindowEnd> {
  if (lostAt === null) {
    return await walkTags(window, visitor, turns);
  }
  const { bytes, offset, sizeBytes } = window;
  const found = await findTags(window, 0, turns);
  if (found !== null) {
    visitor.onLost({ offset: lostAt, bytes: offset + found - lostAt });
    return await walkTags(windowFrom(window, found), visitor, turns);
  }
  if (offset + bytes.length < sizeBytes) {
    return { kind: "lost-in-window", lostAt };
  }
  return { kind: "lost", offset: lostAt, isWithinTag: true };
}

export function windowFrom(window: TagWindow, index: number): TagWindow {
  return { ...window, bytes: window.bytes.subarray(index), offset: window.offset + index };
}

/** What of a tag's data is in the window. */
export function dataOf({ bytes, offset }: TagWindow, tag: FlvTag): Uint8Array {
  return bytes.subarray(tag.offset - offset + TAG_HEADER_BYTES, tag.dataEnd - offset);
}

type Step =
  | { kind: "tag"; tag: FlvTag; next: number }
  | { kind: "end"; end: WindowEnd }
  /** No sound tag. `cut` when it would be one that the end of the file cuts, unless tags follow. */
  | { kind: "suspect"; cut: Extract<TagsEnd, { kind: "cut" }> | null };

function judgeTag(window: TagWindow, at: number): Step {
  const { bytes, offset, sizeBytes, habits } = window;
  const position = offset + at;
  const isLastWindow = offset + bytes.length >= sizeBytes;
  if (position === sizeBytes) {
    return { kind: "end", end: { kind: "clean" } };
  }
  if (!isLastWindow && at + TAG_HEADER_BYTES > bytes.length) {
    return { kind: "end", end: { kind: "more", offset: position, tag: null } };
  }
  const tag = readTag(bytes, at, offset, habits.streamId);
  if (tag === null) {
    const isCut = at + TAG_HEADER_BYTES > bytes.length && isTagStart(bytes, at, habits.streamId);
    const neededBytes = position + TAG_HEADER_BYTES + TAG_TRAILER_BYTES;
    return {
      kind: "suspect",
      cut: isCut ? { kind: "cut", offset: position, neededBytes, tag: null } : null,
    };
  }
  const next = tagEndIndex(tag, offset);
  const neededBytes = offset + next;
  if (neededBytes > sizeBytes) {
    return { kind: "suspect", cut: { kind: "cut", offset: position, neededBytes, tag } };
  }
  if (next > bytes.length) {
    return { kind: "end", end: { kind: "more", offset: position, tag } };
  }
  const isSound =
    isTrailerOf(tag, bytes, next - TAG_TRAILER_BYTES) || isFollowedByTag(window, next);
  return isSound ? { kind: "tag", tag, next } : { kind: "suspect", cut: null };
}

/** A wrong PreviousTagSize alone harms nobody: players do not look at it. */
function isFollowedByTag({ bytes, offset, sizeBytes, habits }: TagWindow, at: number): boolean {
  if (offset + at === sizeBytes) {
    return !habits.isTrailerRight;
  }
  const tag = readTag(bytes, at, offset, habits.streamId);
  if (tag === null) {
    return false;
  }
  const next = tagEndIndex(tag, offset);
  return (
    !habits.isTrailerRight ||
    (next <= bytes.length && isTrailerOf(tag, bytes, next - TAG_TRAILER_BYTES))
  );
}
