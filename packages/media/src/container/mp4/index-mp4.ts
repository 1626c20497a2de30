import type { ByteSource } from "../../source/byte-source.ts";
import type { Completeness, ContainerReport, ReadOptions } from "../container-report.ts";
import type { Box } from "./box-header.ts";
import { type BoxReader, createBoxReader, ReadLimitReached } from "./box-reader.ts";
import { checkMovie, type MovieParts } from "./every-sample/check-movie.ts";
import { describeTracks } from "./describe-tracks.ts";
import { measureFragmented } from "./fragmented.ts";
import { type Movie, readMovie } from "./movie.ts";
import { judgeMovie, movieDurationS, movieFps } from "./progressive.ts";
import { holdsSamples } from "./sample-table.ts";
import { createStructureFindings, type StructureFindings } from "./structure-findings.ts";
import { type BoxChain, walkBoxes } from "./walk-boxes.ts";

/** A sound file has five. More than this is not followed over the network. */
const MAX_TOP_LEVEL_BOXES = 512;
const HEAD_BYTES = 65_536;
/** Fetched where a large moov is expected, behind the media data: wherever it begins, no more than the head. */
const BEHIND_MDAT_BYTES = 49_152;
/**
 * Up to this size (five minutes of video and sound) moov is read in one request, and all its tables are looked at: that
 * saves the round trips of jumping through it. With the head, and blocks that are not aligned to it, 256 KiB. In a larger
 * one each table costs a request, and where the sizes of the boxes already prove the file whole they would prove nothing
 * more.
 */
const SMALL_MOOV_BYTES = 180_224;

/**
 * Reads an MP4, M4A or QuickTime file (ISO/IEC 14496-12, QTFF), of one piece or fragmented: at most 256 KiB of a sound one
 * of one piece, however long it is, and never more than 8 MiB.
 *
 * The duration is the one that is presented, in seconds: the longest track by its edit list. Of a movie of one piece that
 * is cut it is still the one that its header says, and not exact: how much of it can be played depends on the player. Of a
 * fragmented one it is that of the fragments that are there.
 *
 * A thorough look reads every sample as well: `checkMovie`.
 *
 * @throws What the source throws, and the reason of the signal.
 */
export async function indexMp4(
  source: ByteSource,
  signal: AbortSignal,
  { isThorough = false }: ReadOptions = {},
): Promise<ContainerReport> {
  const reader = createBoxReader(source, signal);
  const findings = createStructureFindings(source.sizeBytes);
  const report: Omit<ContainerReport, "findings"> = {
    durationS: null,
    durationIsExact: false,
    video: null,
    audio: null,
    completeness: "unknown",
  };
  try {
    const parts = await fillReport(reader, findings, report, isThorough);
    if (isThorough && parts !== null && !findings.isTruncated) {
      await checkMovie(source, signal, parts, findings);
      report.durationIsExact = report.durationIsExact && !findings.isDamaged;
    }
  } catch (error) {
    if (!(error instanceof ReadLimitReached)) {
      throw error;
    }
    findings.notFullyChecked("The structure of the file is too scattered to be read in full.");
    report.durationIsExact = false;
    report.completeness = findings.isTruncated ? "truncated" : "unknown";
  }
  return { ...report, findings: findings.list };
}

async function fillReport(
  reader: BoxReader,
  findings: StructureFindings,
  report: Omit<ContainerReport, "findings">,
  isThorough: boolean,
): Promise<MovieParts | null> {
  await reader.read(0, HEAD_BYTES, HEAD_BYTES);
  const chain = await walkBoxes(reader, 0, {
    maxBoxes: MAX_TOP_LEVEL_BOXES,
    until: ({ type }) => type === "moof",
    fetchBytesBehindMdat: (restBytes) =>
      restBytes <= SMALL_MOOV_BYTES ? restBytes : BEHIND_MDAT_BYTES,
    fetchWhole: (box) => box.type === "moov" && isSmall(box),
  });
  const moov = moovOf(chain);
  const movie =
    moov === undefined ? null : await readHeader(reader, moov, chain, findings, isThorough);
  if (movie !== null) {
    report.durationS = movieDurationS(movie);
    Object.assign(report, describeTracks(movie.tracks, movieFps));
  }
  if (movie?.isCompressed === true) {
    findings.notFullyChecked("The header (moov) is compressed, which is not read.");
  }
  const startsFragments = await isFragment(reader, chain);
  if (movie !== null && startsFragments) {
    const extent = await measureFragmented(reader, movie, chain.boxes, chain.end.at, findings);
    const { durationS, durationIsExact, completeness, fpsOf } = extent;
    Object.assign(report, { durationS, durationIsExact, completeness });
    Object.assign(report, describeTracks(movie.tracks, fpsOf));
    return { movie, boxes: chain.boxes, fragmentsAt: chain.end.at };
  }
  report.completeness = startsFragments
    ? judgeWithoutHeader(findings)
    : judgeWhole(chain, movie, reader.sizeBytes, findings);
  // What belongs to nothing behind a movie that is whole makes it no longer and no shorter.
  const isSound = !findings.isDamaged && !findings.isTruncated;
  report.durationIsExact =
    report.durationS !== null &&
    (findings.list.length === 0 || (isSound && report.completeness === "whole"));
  return movie === null ? null : { movie, boxes: chain.boxes, fragmentsAt: null };
}

function isSmall(box: Box): boolean {
  return box.end - box.start <= SMALL_MOOV_BYTES;
}

/** The moov of a chain, also when it is what the file is cut in. The first one: a second is not looked at by players. */
function moovOf(chain: BoxChain): Box | undefined {
  const cut = chain.end.kind === "exceeds" ? [chain.end.box] : [];
  return [...chain.boxes, ...cut].find(({ type }) => type === "moov");
}

async function readHeader(
  reader: BoxReader,
  moov: Box,
  chain: BoxChain,
  findings: StructureFindings,
  isThorough: boolean,
): Promise<Movie> {
  const isOpen = chain.boxes.some(({ type, isOpenEnded }) => type === "mdat" && isOpenEnded);
  const needsTables = isThorough || isOpen || isSmall(moov) || chain.end.kind === "no_box";
  return await readMovie(reader, moov, needsTables, {
    add: (problem) => {
      findings.damaged(`The header is damaged: ${problem}.`);
    },
  });
}

async function isFragment(reader: BoxReader, chain: BoxChain): Promise<boolean> {
  if (chain.end.kind === "exceeds") {
    return chain.end.box.type === "moof";
  }
  if (chain.end.kind !== "stopped") {
    return false;
  }
  const header = await reader.header(chain.end.at, reader.sizeBytes);
  return header.kind === "box" && header.box.type === "moof";
}

function judgeWithoutHeader(findings: StructureFindings): Completeness {
  findings.damaged("There is no moov before the fragments: without it they cannot be played.");
  return "unknown";
}

function judgeWhole(
  chain: BoxChain,
  movie: Movie | null,
  sizeBytes: number,
  findings: StructureFindings,
): Completeness {
  const completeness = judgeMovie(chain, movie, sizeBytes, findings);
  const isFragmented = movie !== null && movie.fragments !== null;
  const isEmpty = isFragmented && !movie.tracks.some((track) => holdsSamples(track.samples));
  if (completeness === "whole" && isEmpty) {
    findings.truncated(null, "The header (moov) announces fragments, and not one follows.");
    return "truncated";
  }
  return completeness;
}
