import { open } from "node:fs/promises";
import { type ContinuityCounters, continuityCounters } from "../../container/mpegts/continuity.ts";
import { TS_PACKET_BYTES } from "../../container/mpegts/packet.ts";
import { cutEnds, type SegmentBoundary } from "../../hls/cut-ends.ts";
import type { SegmentPart } from "../../hls/segment-plan.ts";

/** A segment that came whole. */
export interface FetchedSegment {
  part: SegmentPart;
  path: string;
}

/** Of the beginning and of the end of a segment: enough that each track has a packet in it. */
const WINDOW_BYTES = TS_PACKET_BYTES * 348;

/**
 * Holds the end of every segment against the beginning of the one that follows it.
 *
 * @param segments Transport streams in the clear.
 * @returns those that are cut between two packets, as `cutEnds` tells them.
 * @throws errors of the file system as they come; the reason of the signal.
 */
export async function findCutEnds(
  segments: readonly FetchedSegment[],
  signal: AbortSignal,
): Promise<readonly SegmentPart[]> {
  const boundaries: SegmentBoundary[] = [];
  let before: { part: SegmentPart; end: ContinuityCounters } | null = null;
  for (const { part, path } of segments) {
    signal.throwIfAborted();
    const ends: Ends = await readEnds(path);
    if (before !== null && before.part === part.follows) {
      boundaries.push({ ...before, next: ends.head });
    }
    before = { part, end: ends.tail };
  }
  return cutEnds(boundaries);
}

interface Ends {
  head: ContinuityCounters;
  tail: ContinuityCounters;
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
