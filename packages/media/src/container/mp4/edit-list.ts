import { int32At, uint16At, uint32At, uint64At, uint8At } from "../../bytes/big-endian.ts";

/** Real lists have one or two entries. */
const MAX_ENTRIES = 1000;
const EMPTY_EDIT_TIME = 0xffff_ffff;

/** How an edit list (`elst`, ISO/IEC 14496-12, 8.6.6) puts a track onto the time line of the movie. */
export interface EditList {
  /** How long the track is presented, pauses included, in seconds. Null when the list leaves it to the media ("0: all of it"). */
  durationS: number | null;
  /** Pause before the media begins, in seconds: from empty edits. */
  delayS: number;
  /** Where in the media the presentation begins, in its own units. */
  mediaStartUnits: number;
}

/** Parses the body of an `elst`, or null when it holds no edit. */
export function parseEditList(
  body: Uint8Array,
  movieTimescale: number,
  media: { timescale: number; durationUnits: number },
): EditList | null {
  const isLong = uint8At(body, 0) === 1;
  const entryBytes = isLong ? 20 : 12;
  const room = Math.floor((body.length - 8) / entryBytes);
  const count = Math.min(uint32At(body, 4), room, MAX_ENTRIES);
  let durationS: number | null = 0;
  let delayS = 0;
  let mediaStartUnits: number | null = null;
  for (let index = 0; index < count; index += 1) {
    const start = 8 + index * entryBytes;
    const segmentS = (isLong ? uint64At(body, start) : uint32At(body, start)) / movieTimescale;
    const isEmpty = isLong
      ? uint32At(body, start + 8) === EMPTY_EDIT_TIME
      : int32At(body, start + 4) === -1;
    if (isEmpty) {
      delayS += mediaStartUnits === null ? segmentS : 0;
      durationS = addS(durationS, segmentS);
      continue;
    }
    const mediaUnits = isLong ? uint64At(body, start + 8) : uint32At(body, start + 4);
    mediaStartUnits ??= mediaUnits;
    const isDwell = uint16At(body, start + entryBytes - 4) === 0;
    if (segmentS > 0 || isDwell) {
      durationS = addS(durationS, segmentS);
    } else {
      // A segment of length 0 is written where the length was not known yet: it takes what the media has.
      const restUnits = media.durationUnits - mediaUnits;
      durationS = restUnits > 0 ? addS(durationS, restUnits / media.timescale) : null;
    }
  }
  return mediaStartUnits === null ? null : { durationS, delayS, mediaStartUnits };
}

function addS(sum: number | null, seconds: number): number | null {
  return sum === null ? null : sum + seconds;
}
