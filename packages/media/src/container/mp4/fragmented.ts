import type { Completeness } from "../container-report.ts";
import type { Box } from "./box-header.ts";
import type { BoxReader } from "./box-reader.ts";
import { presentedTracks } from "./describe-tracks.ts";
import {
  extentS,
  fragmentedFps,
  presentationS,
  readFragment,
  readTrackEnds,
  type TrackEnds,
} from "./fragment-extent.ts";
import { readFragmentIndex, readSegmentIndex, type SegmentIndex } from "./fragment-index.ts";
import { findLastFragments, followFragmentIndex, moofsOf } from "./last-fragments.ts";
import type { Movie, Track } from "./movie.ts";
import { missingText, type StructureFindings } from "./structure-findings.ts";
import { type BoxChain, walkBoxes } from "./walk-boxes.ts";

/** What the structure of a file says of the whole of it. */
export interface Extent {
  durationS: number | null;
  durationIsExact: boolean;
  completeness: Completeness;
  fpsOf: (track: Track) => number | null;
}

/** The head of the file, which has been fetched anyway: the boxes in it are walked one by one. */
const HEAD_BYTES = 65_536;
const MAX_HEAD_BOXES = 1024;
/** Where the search from the end gives up, because the fragments are long and so there are few: one look at each. */
const MAX_FORWARD_BOXES = 96;
/** By how much mehd may differ from the fragments: writers round it, or take the shorter track. */
const HEADER_TOLERANCE_S = 1;

/**
 * The extent of a fragmented movie, without walking its fragments: by `sidx`, else by the last fragment, which `mfra` or
 * the end of the file leads to.
 *
 * @param before The top-level boxes before the first fragment.
 * @param firstAt Where that begins.
 */
export async function measureFragmented(
  reader: BoxReader,
  movie: Movie,
  before: readonly Box[],
  firstAt: number,
  findings: StructureFindings,
): Promise<Extent> {
  const head = await walkBoxes(reader, firstAt, {
    maxBoxes: MAX_HEAD_BOXES,
    endAt: HEAD_BYTES - 16,
  });
  if (head.end.kind === "no_box") {
    findings.damaged(`At ${head.end.at}, behind a fragment, ${head.end.problem}.`);
  }
  const firstMoof = moofsOf(head)[0] ?? (await firstBox(reader, firstAt));
  const first =
    firstMoof === undefined ? [] : ((await readFragment(reader, movie, firstMoof)) ?? []);
  const indexed = await measureBySegmentIndex(reader, movie, before, findings);
  if (indexed !== null) {
    return { ...indexed, fpsOf: (track) => fragmentedFps(track, first, null) };
  }

  const tracks = presentedTracks(movie.tracks);
  const trackIds = new Set(tracks.map(({ id }) => id));
  const { chain, isIndexed } = await locateLastFragments(
    { reader, movie, trackIds, findings },
    firstAt,
    head,
  );
  const ends: TrackEnds =
    chain === null ? new Map() : await readTrackEnds(reader, movie, chain, trackIds);
  const fpsOf = (track: Track): number | null => fragmentedFps(track, first, ends);
  const durationS = extentS(tracks, first, ends);
  const headerS = movie.fragments?.durationS ?? null;
  if (chain === null || durationS === null) {
    const where = chain === null ? "within 4 MiB of the end of the file" : "with a time of its own";
    if (!findings.isTruncated) {
      findings.notFullyChecked(`No fragment was found ${where}: what is there was not measured.`);
    }
    judgeChainEnd(chain, reader.sizeBytes, findings);
    const completeness = findings.isTruncated ? "truncated" : "unknown";
    return { durationS: headerS, durationIsExact: false, completeness, fpsOf };
  }
  const endsWithBox = judgeChainEnd(chain, reader.sizeBytes, findings);
  const missingS = headerS === null ? 0 : headerS - durationS;
  if (endsWithBox && missingS > HEADER_TOLERANCE_S) {
    findings.truncated(
      null,
      `The header says ${seconds(headerS ?? 0)}; the fragments end at ${seconds(durationS)}.`,
    );
  }
  const isProven =
    endsWithBox && (isIndexed || (headerS !== null && Math.abs(missingS) <= HEADER_TOLERANCE_S));
  return {
    durationS,
    durationIsExact: findings.list.length === 0,
    completeness: findings.isTruncated ? "truncated" : isProven ? "whole" : "unknown",
    fpsOf,
  };
}

async function firstBox(reader: BoxReader, at: number): Promise<Box | undefined> {
  const header = await reader.header(at, reader.sizeBytes);
  return header.kind === "box" ? header.box : undefined;
}

/** Null when there is no index, or one of the first fragment alone. */
async function measureBySegmentIndex(
  reader: BoxReader,
  movie: Movie,
  before: readonly Box[],
  findings: StructureFindings,
): Promise<Omit<Extent, "fpsOf"> | null> {
  const indexes: SegmentIndex[] = [];
  for (const sidx of before.filter(({ type }) => type === "sidx").slice(0, movie.tracks.length)) {
    const index = await readSegmentIndex(reader, sidx);
    if (index !== null) {
      indexes.push(index);
    }
  }
  if (indexes.length === 0) {
    return null;
  }
  const { sizeBytes } = reader;
  const coveredEnd = Math.max(...indexes.map((index) => index.coveredEnd));
  if (coveredEnd > sizeBytes) {
    findings.truncated(
      coveredEnd,
      `The index (sidx) reaches to ${coveredEnd}: ${missingText(coveredEnd - sizeBytes)}.`,
    );
  } else if (coveredEnd < sizeBytes) {
    // The index of all fragments may be followed by mfra. Anything else: every fragment has an index of its own.
    const behind = await reader.header(coveredEnd, sizeBytes);
    if (behind.kind !== "box" || behind.box.type !== "mfra" || behind.box.end !== sizeBytes) {
      return null;
    }
  }
  let startS = Infinity;
  let endS = 0;
  for (const index of indexes) {
    const track = movie.tracks.find(({ id }) => id === index.trackId);
    const offsetS = track === undefined ? 0 : presentationS(track, 0);
    const lengthS = findings.isTruncated ? index.presentDurationS : index.durationS;
    startS = Math.min(startS, index.startS + offsetS);
    endS = Math.max(endS, index.startS + offsetS + lengthS);
  }
  return {
    durationS: Math.max(endS - Math.max(startS, 0), 0),
    durationIsExact: findings.list.length === 0,
    completeness: findings.isTruncated ? "truncated" : "whole",
  };
}

interface Look {
  reader: BoxReader;
  movie: Movie;
  trackIds: ReadonlySet<number>;
  findings: StructureFindings;
}

/** `isIndexed`: the file ends with an index, which is written last. */
async function locateLastFragments(
  look: Look,
  firstAt: number,
  head: BoxChain,
): Promise<{ chain: BoxChain | null; isIndexed: boolean }> {
  const { reader, movie, trackIds, findings } = look;
  if (head.end.kind !== "stopped" && head.end.kind !== "no_box") {
    return { chain: head, isIndexed: head.boxes.at(-1)?.type === "mfra" };
  }
  const index = await readFragmentIndex(reader);
  if (index !== null) {
    const chain = await followFragmentIndex(reader, index, trackIds);
    if (chain !== null) {
      return { chain, isIndexed: true };
    }
    if (index.lastOffsets.length > 0) {
      findings.damaged("The index at the end (mfra) points to places where no fragment begins.");
    }
  }
  const hasEnough = async (chain: BoxChain): Promise<boolean> => {
    const ends = await readTrackEnds(reader, movie, chain, trackIds);
    return ends.size === trackIds.size;
  };
  const found = await findLastFragments(reader, firstAt, hasEnough);
  if (found !== null && (await hasEnough(found))) {
    return { chain: found, isIndexed: false };
  }
  const forward = await walkBoxes(reader, firstAt, { maxBoxes: MAX_FORWARD_BOXES });
  return { chain: forward.end.kind === "stopped" ? found : forward, isIndexed: false };
}

/** Adds what the end of the chain says. True when it ends with the file, and with the end of a fragment. */
function judgeChainEnd(
  chain: BoxChain | null,
  sizeBytes: number,
  findings: StructureFindings,
): boolean {
  if (chain === null) {
    return false;
  }
  const { end } = chain;
  switch (end.kind) {
    case "exceeds": {
      const missing = end.box.end - sizeBytes;
      findings.truncated(
        end.box.end,
        `The last ${end.box.type}, at ${end.at}, ends at ${end.box.end}: ${missingText(missing)}.`,
      );
      return false;
    }
    case "cut_header":
      findings.truncated(null, `The file ends within the header of a box at ${end.at}.`);
      return false;
    case "zeros":
      // In a movie of one piece zeros behind the last box are padding. Here more fragments could have been there.
      findings.damaged(`From ${end.at} on there are zero bytes where a fragment should be.`);
      return false;
    case "no_box":
      findings.damaged(`At ${end.at}, behind a fragment, ${end.problem}.`);
      return false;
    case "stopped":
      findings.notFullyChecked(`The boxes from ${end.at} on were not looked at.`);
      return false;
    case "complete": {
      const last = chain.boxes.at(-1);
      if (last?.type === "moof" || last?.type === "styp") {
        findings.truncated(
          null,
          `The file ends behind the ${last.type} at ${last.start}; the media data that must follow is missing.`,
        );
        return false;
      }
      return true;
    }
    default:
      end satisfies never;
      return false;
  }
}

function seconds(value: number): string {
  return `${Math.round(value * 1000) / 1000} s`;
}
