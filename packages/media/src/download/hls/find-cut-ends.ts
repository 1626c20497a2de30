import { open } from "node:fs/promises";
import {
  type Boundary,
  compareCounters,
  type ContinuityCounters,
  continuityCounters,
  lossyBoundaries,
} from "../../container/mpegts/continuity.ts";
import { TS_PACKET_BYTES } from "../../container/mpegts/packet.ts";
import type { PartState } from "../../hls/check-segments.ts";
import type { SegmentPart } from "../../hls/segment-plan.ts";

/** A segment in its place in the playlist. */
export interface FetchedSegment {
  part: SegmentPart;
  /** Null for one that cannot be compared: it is missing, broken, encrypted or no transport stream. */
  path: string | null;
  /** The playlist says that it does not go on where the one before ends. */
  isDiscontinuity: boolean;
}

/** Of the beginning and of the end of a segment: enough that each track has a packet in it. */
const WINDOW_BYTES = TS_PACKET_BYTES * 348;

/**
 * Segments of transport streams that end too early, exactly between two packets: nothing in such a segment shows it, but
 * the counters of the next one do not go on where its own end. In the order of the playlist.
 *
 * A stream that stood still while it was recorded leaves no such gap, since no packet is missing then; and a muxer that
 * begins to count anew, in each segment or after an interruption, is no evidence of a loss.
 *
 * @throws errors of the file system as they come; the reason of the signal.
 */
export async function findCutEnds(
  segments: readonly FetchedSegment[],
  signal: AbortSignal,
): Promise<readonly PartState[]> {
  const boundaries: Boundary[] = [];
  let before: ContinuityCounters | null = null;
  for (const { path, isDiscontinuity } of segments) {
    signal.throwIfAborted();
    const ends: Ends | null = path === null ? null : await readEnds(path);
    boundaries.push(
      before === null || ends === null || isDiscontinuity
        ? "unknown"
        : compareCounters(before, ends.head),
    );
    before = ends?.tail ?? null;
  }
  // The boundary at an index is the one before the segment at that index.
  return lossyBoundaries(boundaries).flatMap((index): PartState[] => {
    const cut = segments[index - 1];
    return cut === undefined ? [] : [cutEnd(cut.part)];
  });
}

interface Ends {
  head: ContinuityCounters;
  tail: ContinuityCounters;
}

function cutEnd(part: SegmentPart): PartState {
  return {
    kind: "present",
    part,
    fileSizeBytes: null,
    format: "mpegts",
    unseen: null,
    head: null,
    cipher: null,
    problem: {
      kind: "short_segment",
      text: "ends too early: the next segment does not go on with the packet behind its last one",
    },
  };
}

async function readEnds(path: string): Promise<Ends> {
  const handle = await open(path, "r");
  try {
    const { size } = await handle.stat();
    const tailStart = Math.max(0, size - WINDOW_BYTES);
    const read = async (position: number): Promise<ContinuityCounters> => {
      const { buffer, bytesRead } = await handle.read(
        Buffer.alloc(WINDOW_BYTES),
        0,
        WINDOW_BYTES,
        position,
      );
      return continuityCounters(buffer.subarray(0, bytesRead));
    };
    return { head: await read(0), tail: await read(tailStart - (tailStart % TS_PACKET_BYTES)) };
  } finally {
    await handle.close();
  }
}
