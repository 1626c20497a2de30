import type { EventLoopTurns } from "../../concurrency/event-loop-turns.ts";
import type { ByteSource } from "../../source/byte-source.ts";
import type { TagWindow } from "./find-tags.ts";
import type { FlvTracks } from "./flv-tracks.ts";
import {
  type FlvTag,
  TAG_HEADER_BYTES,
  TAG_TRAILER_BYTES,
  type TagHabits,
  type TagKind,
} from "./flv-tag.ts";
import { dataOf, type TagsEnd, type TagVisitor, walkWindow, type WindowEnd } from "./walk-tags.ts";

const WINDOW_BYTES = 65_536;

/** Files up to this size are read in full: head and tail would be as much. */
const WHOLE_FILE_BYTES = 131_072;

/** Windows that are read for a track that the header of the file alone promises, or for its first frame. */
const MAX_WINDOWS_FOR_PROMISED = 2;
/** And for one whose frames were seen without what describes them, or while there is no tag to be found. */
const MAX_WINDOWS = 16;

/** Tags of more than this are passed over: what is read of them is in their beginning. */
const LARGE_TAG_BYTES = 32_768;
const ENOUGH_OF_LARGE_TAG_BYTES = 64;

const BLOCK_BYTES = 16_384;

/** How far the beginning of a file was read: to the end of the file, or to where its tail begins. */
export type HeadEnd =
  | { kind: "end"; end: TagsEnd }
  /** `offset` is that of a tag. */
  | { kind: "more"; offset: number }
  | { kind: "nothing" };

/**
 * Reads the beginning of a file until its tracks are described: 64 KiB, and up to 1 MiB where tags are missing. The
 * whole of a small file.
 */
export async function readHead(
  source: ByteSource,
  start: number,
  habits: TagHabits,
  promised: readonly TagKind[],
  tracks: FlvTracks,
  visitor: TagVisitor,
  turns: EventLoopTurns,
): Promise<HeadEnd> {
  const { sizeBytes } = source;
  const isSmall = sizeBytes <= WHOLE_FILE_BYTES;
  let offset = start;
  let lostAt: number | null = null;
  for (let windows = 1; ; windows += 1) {
    const length = isSmall ? sizeBytes - offset : windowBytes(offset, sizeBytes);
    const bytes = await source.read(offset, length, { fetchBytes: length });
    const window: TagWindow = { bytes, offset, sizeBytes, habits };
    const end: WindowEnd = await walkWindow(window, lostAt, visitor, turns);
    if (end.kind === "lost-in-window") {
      lostAt = end.lostAt;
      if (windows >= MAX_WINDOWS) {
        visitor.onLost({ offset: lostAt, bytes: offset + bytes.length - lostAt });
        return { kind: "nothing" };
      }
      // What begins within the last bytes was not looked at.
      offset += bytes.length - TAG_HEADER_BYTES;
      continue;
    }
    if (end.kind !== "more") {
      return { kind: "end", end };
    }
    lostAt = null;
    offset = end.offset;
    const isLarge = visitBeginning(window, end.tag, visitor);
    if (windows >= MAX_WINDOWS || !isWanting(tracks, promised, windows)) {
      return { kind: "more", offset };
    }
    if (end.tag !== null && isLarge) {
      offset = end.tag.dataEnd + TAG_TRAILER_BYTES;
    }
  }
}

/** A tag that ends far behind its window is taken by its beginning, since nothing behind that is needed. */
function visitBeginning(window: TagWindow, tag: FlvTag | null, visitor: TagVisitor): boolean {
  if (tag === null || tag.dataBytes <= LARGE_TAG_BYTES) {
    return false;
  }
  const data = dataOf(window, tag);
  if (data.length < ENOUGH_OF_LARGE_TAG_BYTES) {
    return false;
  }
  visitor.onTag(tag, data);
  return true;
}

/** Up to the end of a block, so that windows in a row fetch nothing twice. */
function windowBytes(offset: number, sizeBytes: number): number {
  return Math.min(sizeBytes - offset, WINDOW_BYTES - (offset % BLOCK_BYTES));
}

/** Without its first frame it is not known when a track begins. */
function isWanting(tracks: FlvTracks, promised: readonly TagKind[], windows: number): boolean {
  const seen = tracks.seen();
  return (["video", "audio"] as const).some((kind) => {
    const isAffordable = windows < MAX_WINDOWS_FOR_PROMISED;
    return seen.includes(kind)
      ? !tracks.isDescribed(kind) || (!tracks.hasFrame(kind) && isAffordable)
      : promised.includes(kind) && isAffordable;
  });
}
