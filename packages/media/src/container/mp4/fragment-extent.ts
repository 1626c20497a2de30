import type { Box } from "./box-header.ts";
import { type BoxReader, readBody } from "./box-reader.ts";
import { framesPerSecond } from "./describe-tracks.ts";
import { type FragmentTrack, parseFragment } from "./fragment.ts";
import { moofsOf } from "./last-fragments.ts";
import type { Movie, Track } from "./movie.ts";
import { holdsSamples } from "./sample-table.ts";
import type { BoxChain } from "./walk-boxes.ts";

/** Half an hour of pictures and sound in one fragment fits; adding up its samples must not hold the event loop for long. */
const MAX_MOOF_BYTES = 2_097_152;
/** Where each track has fragments of its own, and one of them few. */
const MAX_FRAGMENTS_READ = 64;

/** How a track ends, in its units. */
interface TrackEnd {
  /** Its last fragment. */
  fragment: FragmentTrack;
  decodedToUnits: number;
  presentedToUnits: number;
}
export type TrackEnds = ReadonlyMap<number, TrackEnd>;

/** Reads one fragment, or null when it is cut, too long or none. */
export async function readFragment(
  reader: BoxReader,
  movie: Movie,
  moof: Box,
): Promise<FragmentTrack[] | null> {
  if (moof.end > reader.sizeBytes || moof.end - moof.bodyStart > MAX_MOOF_BYTES) {
    return null;
  }
  const body = await readBody(reader, moof, MAX_MOOF_BYTES);
  return parseFragment(body, movie.fragments?.defaultDurations ?? new Map());
}

/**
 * Where the tracks end, by the last fragments of a chain. A fragment whose media data is cut off or missing ends where it
 * begins: its samples are not all there.
 */
export async function readTrackEnds(
  reader: BoxReader,
  movie: Movie,
  chain: BoxChain,
  trackIds: ReadonlySet<number>,
): Promise<TrackEnds> {
  const ends = new Map<number, TrackEnd>();
  for (const moof of moofsOf(chain).toReversed().slice(0, MAX_FRAGMENTS_READ)) {
    const isWhole = hasMediaData(chain, moof);
    for (const fragment of (await readFragment(reader, movie, moof)) ?? []) {
      const { trackId, startUnits } = fragment;
      if (startUnits !== null && trackIds.has(trackId) && !ends.has(trackId)) {
        ends.set(trackId, {
          fragment,
          decodedToUnits: startUnits + (isWhole ? fragment.durationUnits : 0),
          presentedToUnits:
            startUnits + (isWhole ? fragment.presentedToUnits : fragment.presentedFromUnits),
        });
      }
    }
    if (ends.size === trackIds.size) {
      break;
    }
  }
  return ends;
}

function hasMediaData(chain: BoxChain, moof: Box): boolean {
  const next = chain.boxes.find(
    ({ type, start }) => start >= moof.end && (type === "mdat" || type === "moof"),
  );
  return next?.type === "mdat";
}

/** Where media time stands on the time line of the movie, in seconds. */
export function presentationS(track: Track, mediaUnits: number): number {
  const { edit, timescale } = track;
  return (mediaUnits - (edit?.mediaStartUnits ?? 0)) / timescale + (edit?.delayS ?? 0);
}

/**
 * From the first presented sample of any track to the end of the last one, in seconds; null when no track has an end. What
 * lies before 0 is cut away by the edit list and not presented. ffprobe differs in both: it counts what is cut away, and
 * adds decoding time to the presentation time of the first packet, which need not be the first picture.
 */
export function extentS(
  tracks: readonly Track[],
  first: readonly FragmentTrack[],
  ends: TrackEnds,
): number | null {
  let startS = Infinity;
  let endS = -Infinity;
  for (const track of tracks) {
    const end = ends.get(track.id);
    if (end === undefined) {
      continue;
    }
    const begin = first.find(({ trackId }) => trackId === track.id);
    // Samples inside moov come before any fragment.
    const startUnits = holdsSamples(track.samples) ? 0 : (begin?.startUnits ?? 0);
    startS = Math.min(startS, presentationS(track, startUnits + (begin?.presentedFromUnits ?? 0)));
    endS = Math.max(endS, presentationS(track, end.presentedToUnits));
  }
  return endS === -Infinity ? null : Math.max(endS - Math.max(startS, 0), 0);
}

/**
 * The average rate of a track: the first fragment as counted, since its first sample is often longer to meet the sound,
 * and the rest at the rate of the last. Without `ends`, of the first fragment alone.
 */
export function fragmentedFps(
  track: Track,
  first: readonly FragmentTrack[],
  ends: TrackEnds | null,
): number | null {
  const begin = first.find(({ trackId }) => trackId === track.id);
  if (begin === undefined) {
    return null;
  }
  const { sampleCount, durationUnits, startUnits } = begin;
  const last = ends?.get(track.id);
  if (last === undefined || startUnits === null || last.fragment.startUnits === startUnits) {
    return framesPerSecond(sampleCount, durationUnits, track.timescale);
  }
  const restUnits = last.decodedToUnits - startUnits - durationUnits;
  const restFrames = (restUnits * last.fragment.sampleCount) / last.fragment.durationUnits;
  return framesPerSecond(sampleCount + restFrames, durationUnits + restUnits, track.timescale);
}
