import { uint24At } from "../../bytes/big-endian.ts";
import { isTrailerOf, readTag, TAG_TRAILER_BYTES, type TagHabits } from "./flv-tag.ts";

const STREAM_ID_OFFSET = 8;
const TAGS_LOOKED_AT = 8;
const MIN_TAGS_WITH_WRONG_TRAILERS = 3;

/** How the writer of a file fills StreamID and PreviousTagSize, by its first tags. */
export function learnHabits(bytes: Uint8Array, start: number): TagHabits {
  const streamId = uint24At(bytes, start + STREAM_ID_OFFSET);
  let at = start;
  let wrongTrailers = 0;
  for (let tags = 0; tags < TAGS_LOOKED_AT; tags += 1) {
    const tag = readTag(bytes, at, 0, streamId);
    if (tag === null || tag.dataEnd + TAG_TRAILER_BYTES > bytes.length) {
      break;
    }
    if (isTrailerOf(tag, bytes, tag.dataEnd)) {
      return { streamId, isTrailerRight: true };
    }
    wrongTrailers += 1;
    at = tag.dataEnd + TAG_TRAILER_BYTES;
  }
  return wrongTrailers >= MIN_TAGS_WITH_WRONG_TRAILERS
    ? { streamId, isTrailerRight: false }
    : { streamId: 0, isTrailerRight: true };
}
