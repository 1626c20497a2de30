import type { EventLoopTurns } from "../../concurrency/event-loop-turns.ts";
import type { ByteSource } from "../../source/byte-source.ts";
import { createForwardReader } from "../../source/forward-reader.ts";
import { TAG_HEADER_BYTES, TAG_TRAILER_BYTES, type TagHabits } from "./flv-tag.ts";
import { type TagsEnd, type TagVisitor, walkWindow } from "./walk-tags.ts";

const WINDOW_BYTES = 1_048_576;

/**
 * Visits every tag of a file, from the first at `start` to its end. Holds a window of 1 MiB, or one tag where that is
 * longer: at most 16 MiB.
 *
 * @throws AppError of the source.
 */
export async function readEveryTag(
  source: ByteSource,
  start: number,
  habits: TagHabits,
  visitor: TagVisitor,
  turns: EventLoopTurns,
): Promise<TagsEnd> {
  const { sizeBytes } = source;
  const reader = createForwardReader(source);
  let offset = start;
  let lostAt: number | null = null;
  let wanted = WINDOW_BYTES;
  try {
    for (;;) {
      const bytes = await reader.at(offset, Math.min(wanted, sizeBytes - offset));
      const end = await walkWindow({ bytes, offset, sizeBytes, habits }, lostAt, visitor, turns);
      switch (end.kind) {
        case "more": {
          lostAt = null;
          offset = end.offset;
          // With the beginning of the next tag, which may have to vouch for this one.
          const tagEnd = (end.tag?.dataEnd ?? offset) + TAG_TRAILER_BYTES + TAG_HEADER_BYTES;
          wanted = Math.max(WINDOW_BYTES, tagEnd - offset);
          break;
        }
        case "lost-in-window":
          lostAt = end.lostAt;
          // What begins within the last bytes was not looked at.
          offset += bytes.length - TAG_HEADER_BYTES;
          wanted = WINDOW_BYTES;
          break;
        default:
          return end;
      }
    }
  } finally {
    await reader.close();
  }
}
