import { type EventLoopTurns, startTurns } from "../../../concurrency/event-loop-turns.ts";
import type { ByteSource } from "../../../source/byte-source.ts";
import { createForwardReader, LooksBackExceeded } from "../../../source/forward-reader.ts";
import type { Box } from "../box-header.ts";
import type { Movie } from "../movie.ts";
import type { StructureFindings } from "../structure-findings.ts";
import { checkFragments } from "./check-fragments.ts";
import { type ChunkList, entriesOf, MAX_ENTRIES, readChunkList } from "./sample-lists.ts";
import { createSampleTally, type SampleTally } from "./sample-tally.ts";

/** What a thorough look goes through. */
export interface MovieParts {
  movie: Movie;
  /** The top-level boxes up to the first fragment. */
  boxes: readonly Box[];
  /** Where the fragments begin; null for a movie of one piece. */
  fragmentsAt: number | null;
}

/**
 * Reads a movie to its end: every sample must lie within media data, and be what its codec allows (`FrameForm`). Of
 * fragments, the boxes must follow each other and none be missing. In the order of the file, in memory bounded by the
 * sample tables (at most 80 MB, for ten million entries).
 *
 * @param findings Gets `damaged`, or `not_fully_checked` where that is more than it can hold.
 * @throws AppError of the source; the reason of the signal.
 */
export async function checkMovie(
  source: ByteSource,
  signal: AbortSignal,
  { movie, boxes, fragmentsAt }: MovieParts,
  findings: StructureFindings,
): Promise<void> {
  const turns = startTurns(signal);
  const reader = createForwardReader(source);
  const tally = createSampleTally(reader, source.sizeBytes, turns);
  try {
    // Behind the first fragment more media data follows, of which the header may tell too.
    const areas =
      fragmentsAt === null
        ? boxes.filter(({ type }) => type === "mdat" || type === "imda")
        : [{ bodyStart: 0, end: source.sizeBytes }];
    await checkChunks({ source, movie, turns }, tally, areas, findings);
    if (fragmentsAt !== null) {
      await checkFragments(
        { reader, movie, sizeBytes: source.sizeBytes, turns },
        fragmentsAt,
        tally,
        findings,
      );
    }
  } catch (error) {
    if (!(error instanceof LooksBackExceeded)) {
      throw error;
    }
    findings.notFullyChecked("The media data is too scattered to be read in full.");
  } finally {
    await reader.close();
  }
  tally.report(findings);
}

interface Chunks {
  source: ByteSource;
  movie: Movie;
  turns: EventLoopTurns;
}

async function checkChunks(
  { source, movie, turns }: Chunks,
  tally: SampleTally,
  areas: readonly Pick<Box, "bodyStart" | "end">[],
  findings: StructureFindings,
): Promise<void> {
  const entries = movie.tracks.reduce((sum, track) => sum + entriesOf(track), 0);
  if (entries > MAX_ENTRIES) {
    findings.notFullyChecked(`There are too many samples to look at each (${entries} entries).`);
    return;
  }
  const lists: ChunkList[] = [];
  for (const track of movie.tracks) {
    const list = await readChunkList(source, track, turns);
    if (list !== null) {
      lists.push(list);
    }
  }
  for (;;) {
    if (turns.isOver()) {
      await turns.next();
    }
    let first: ChunkList | null = null;
    for (const list of lists) {
      if (list.next !== null && list.next.offset < (first?.next?.offset ?? Infinity)) {
        first = list;
      }
    }
    if (first === null || first.next === null) {
      return;
    }
    await tally.check(first.next, areas);
    first.advance();
  }
}
