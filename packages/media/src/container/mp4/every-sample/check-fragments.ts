import type { EventLoopTurns } from "../../../concurrency/event-loop-turns.ts";
import type { ForwardReader } from "../../../source/forward-reader.ts";
import { type Box, MAX_HEADER_BYTES, parseBoxHeader } from "../box-header.ts";
import { type FragmentTrack, parseFragment } from "../fragment.ts";
import type { Movie } from "../movie.ts";
import type { StructureFindings } from "../structure-findings.ts";
import { runsOf, sequenceOf } from "./fragment-runs.ts";
import type { SampleTally } from "./sample-tally.ts";

interface Fragments {
  reader: ForwardReader;
  movie: Movie;
  sizeBytes: number;
  turns: EventLoopTurns;
}

const MAX_MOOF_BYTES = 2_097_152;

/**
 * Follows the fragments one by one from `start` to the end of the file. Samples are counted by `tally`; boxes that do not
 * follow each other, and fragments that are missing, become findings.
 */
export async function checkFragments(
  { reader, movie, sizeBytes, turns }: Fragments,
  start: number,
  tally: SampleTally,
  findings: StructureFindings,
): Promise<void> {
  const gaps = watchForGaps(findings);
  const defaultDurations = movie.fragments?.defaultDurations ?? new Map<number, number>();
  let open: { moof: Box; body: Uint8Array } | null = null;
  for (let at = start; at < sizeBytes;) {
    if (turns.isOver()) {
      await turns.next();
    }
    const bytes = await reader.at(at, Math.min(MAX_HEADER_BYTES, sizeBytes - at));
    const header = parseBoxHeader(bytes.subarray(0, MAX_HEADER_BYTES), at, sizeBytes);
    if (header.kind !== "box" || header.box.end > sizeBytes) {
      // How the file ends has been judged by its tail. Here the chain may break before that.
      if (findings.list.length === 0) {
        findings.damaged(`At ${at}, behind a fragment, no box begins.`, at);
      }
      return;
    }
    const { box } = header;
    at = box.end;
    if (box.type === "mdat" && open !== null) {
      for (const run of runsOf(open.body, open.moof, movie)) {
        await tally.check(run, [box]);
      }
      open = null;
    } else if (box.type === "moof") {
      open = null;
      const body = await readMoof(reader, box);
      const tracks = body === null ? null : parseFragment(body, defaultDurations);
      if (body === null) {
        findings.notFullyChecked(`The fragment at ${box.start} is too long to be looked at.`);
      } else if (tracks === null) {
        findings.damaged(`The fragment at ${box.start} is damaged.`, box.start);
      } else {
        gaps.add(sequenceOf(body), box.start, tracks);
        open = { moof: box, body };
      }
    }
  }
}

/** A copy: what is held moves on. */
async function readMoof(reader: ForwardReader, moof: Box): Promise<Uint8Array | null> {
  const length = moof.end - moof.bodyStart;
  if (length > MAX_MOOF_BYTES) {
    return null;
  }
  return (await reader.at(moof.bodyStart, length)).slice(0, length);
}

/**
 * Numbers that are left out alone prove nothing, since muxers count anew when a stream breaks off, nor does a gap in the
 * times: the stream may have paused. Both at once are fragments that are gone.
 */
function watchForGaps(findings: StructureFindings): {
  add: (sequence: number, at: number, tracks: readonly FragmentTrack[]) => void;
} {
  const ends = new Map<number, number>();
  let previous: number | null = null;
  return {
    add(sequence, at, tracks): void {
      const left = previous === null ? 0 : sequence - previous - 1;
      const isLate = tracks.some(({ trackId, startUnits, durationUnits }) => {
        const end = ends.get(trackId);
        return end !== undefined && startUnits !== null && startUnits - end > durationUnits / 2;
      });
      if (left > 0 && isLate) {
        findings.damaged(
          `Before the fragment at byte ${at} ${left === 1 ? "1 fragment is" : `${left} fragments are`} missing.`,
          at,
        );
      }
      previous = sequence;
      for (const { trackId, startUnits, durationUnits } of tracks) {
        if (startUnits !== null) {
          ends.set(trackId, startUnits + durationUnits);
        }
      }
    },
  };
}
