import type { Completeness } from "../container-report.ts";
import type { Box } from "./box-header.ts";
import { framesPerSecond, presentedTracks } from "./describe-tracks.ts";
import type { Movie, Track } from "./movie.ts";
import { holdsSamples } from "./sample-table.ts";
import { missingText, type StructureFindings } from "./structure-findings.ts";
import type { BoxChain } from "./walk-boxes.ts";

/** The longest track as its edit list presents it, else all of its media; null when no track has a duration. */
export function movieDurationS(movie: Movie): number | null {
  const durations = presentedTracks(movie.tracks).map((track) => trackDurationS(track));
  const longest = Math.max(0, ...durations);
  return longest > 0 && Number.isFinite(longest) ? longest : null;
}

function trackDurationS(track: Track): number {
  const { mediaDurationUnits, samples, timescale, edit } = track;
  const units = mediaDurationUnits > 0 ? mediaDurationUnits : (samples?.durationUnits ?? 0);
  return edit?.durationS ?? units / timescale;
}

/** The average rate: all frames over the duration of the media, whatever part of it is presented. */
export function movieFps(track: Track): number | null {
  const { samples, mediaDurationUnits, timescale } = track;
  if (samples === null || samples.sampleCount === null) {
    return null;
  }
  const units = samples.durationUnits ?? mediaDurationUnits;
  return framesPerSecond(samples.sampleCount, units, timescale);
}

/**
 * Whether a movie of one piece is all there: by where its boxes end, and where its samples do.
 *
 * @param chain The top-level boxes from the beginning of the file on.
 */
export function judgeMovie(
  chain: BoxChain,
  movie: Movie | null,
  sizeBytes: number,
  findings: StructureFindings,
): Completeness {
  const { end, boxes } = chain;
  const holdsMedia = boxes.some(({ type }) => type === "mdat");
  // A moov that is cut is read as far as it goes, and is no moov all the same.
  const isAllThere = movie !== null && boxes.some(({ type }) => type === "moov") && holdsMedia;
  switch (end.kind) {
    case "complete":
      break;
    case "exceeds": {
      const { type, start } = end.box;
      findings.truncated(
        end.box.end,
        `${type} at ${start} ends at ${end.box.end}: ${missingText(end.box.end - sizeBytes)}.`,
      );
      return "truncated";
    }
    case "cut_header":
      // A few stray bytes behind media and header hurt nobody. Before that they are the beginning of what is missing.
      if (!isAllThere) {
        findings.truncated(null, `The file ends within the header of a box at ${end.at}.`);
        return "truncated";
      }
      break;
    case "zeros":
      // Padding of storage in blocks: everything that the movie needs lies before it.
      if (!isAllThere) {
        findings.damaged(`From ${end.at} on there are zero bytes where a box should begin.`);
      }
      break;
    case "no_box":
      if (isAllThere && endsBefore(movie, end.at)) {
        findings.notFullyChecked(
          `The ${sizeBytes - end.at} bytes from ${end.at} on, behind header and media data, belong to nothing.`,
        );
      } else {
        findings.damaged(`At ${end.at} ${end.problem}.`);
      }
      break;
    case "stopped":
      findings.notFullyChecked(
        `The boxes from ${end.at} on were not looked at: there are too many.`,
      );
      break;
    default:
      end satisfies never;
  }
  if (movie === null) {
    if (end.kind !== "stopped" && findings.list.length === 0) {
      findings.damaged(
        "There is no moov: without it nothing can be played. The recording was not finished.",
      );
    }
    return "unknown";
  }
  const isPlayable =
    movie.isCompressed ||
    movie.fragments !== null ||
    movie.tracks.some(({ samples }) => holdsSamples(samples));
  if (!isPlayable && findings.list.length === 0) {
    findings.damaged(
      "The header (moov) has no track with samples: without them nothing can be played.",
    );
  }
  return (
    judgeSamples(boxes, movie, sizeBytes, findings) ??
    (end.kind === "stopped" ||
    (end.kind === "no_box" && findings.isDamaged) ||
    (end.kind === "zeros" && !isAllThere)
      ? "unknown"
      : "whole")
  );
}

/** Whether every sample lies before `offset`: then nothing that is played can be missing behind it. */
function endsBefore({ tracks }: Movie, offset: number): boolean {
  const filled = tracks.filter(({ samples }) => holdsSamples(samples));
  return (
    filled.length > 0 &&
    filled.every(({ samples }) => (samples?.lastChunkEnd ?? Infinity) <= offset)
  );
}

/** What the sample tables say, or null when they have nothing against the file. */
function judgeSamples(
  boxes: readonly Box[],
  movie: Movie,
  sizeBytes: number,
  findings: StructureFindings,
): Completeness | null {
  const ends = movie.tracks.flatMap(({ samples }) => samples?.lastChunkEnd ?? []);
  const lastEnd = Math.max(0, ...ends);
  if (Number.isFinite(lastEnd) && lastEnd > sizeBytes) {
    findings.truncated(
      lastEnd,
      `The last samples end at ${lastEnd}: ${missingText(lastEnd - sizeBytes)}.`,
    );
    return "truncated";
  }
  const hasSamples = movie.tracks.some(({ samples }) => holdsSamples(samples));
  if (hasSamples && !boxes.some(({ type }) => type === "mdat")) {
    findings.truncated(null, "There is a header (moov), and no media data (mdat) at all.");
    return "truncated";
  }
  // An mdat "to the end of the file" ends wherever the file was cut: then only the samples tell.
  const isOpen = boxes.some(({ type, isOpenEnded }) => type === "mdat" && isOpenEnded);
  return isOpen && ends.length === 0 ? "unknown" : null;
}
