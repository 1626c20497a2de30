import { open } from "node:fs/promises";
import { runLanes } from "../../concurrency/run-lanes.ts";
import { type ContinuityCounters, continuityCounters } from "../../container/mpegts/continuity.ts";
import { TS_PACKET_BYTES } from "../../container/mpegts/packet.ts";
import { cutEnds, type SegmentBoundary } from "../../hls/cut-ends.ts";
import type { SegmentPart } from "../../hls/segment-plan.ts";

/** A segment that came whole. */
export interface FetchedSegment {
  part: SegmentPart;
  path: string;
  sizeBytes: number;
}

/** Of the beginning and of the end of a segment: enough that each track has a packet in it. */
const WINDOW_BYTES = TS_PACKET_BYTES * 348;

/** Of the thread pool, which has four threads: one after the other, 500 segments take half a second. */
const LANES = 8;

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
  const ends = new Map<SegmentPart, Ends>();
  await runLanes(segments, LANES, signal, async (segment) => {
    ends.set(segment.part, await readEnds(segment));
  });
  return cutEnds(
    segments.flatMap(({ part: { follows }, part }): SegmentBoundary[] => {
      const [before, after] = [follows === null ? undefined : ends.get(follows), ends.get(part)];
      return follows === null || before === undefined || after === undefined
        ? []
        : [{ part: follows, end: before.tail, next: after.head }];
    }),
  );
}

interface Ends {
  head: ContinuityCounters;
  tail: ContinuityCounters;
}

async function readEnds({ path, sizeBytes }: FetchedSegment): Promise<Ends> {
  const handle = await open(path, "r");
  try {
    const read = async (position: number): Promise<ContinuityCounters> => {
      const length = Math.min(WINDOW_BYTES, sizeBytes - position);
      const buffer = Buffer.allocUnsafe(length);
      const { bytesRead } = await handle.read(buffer, 0, length, position);
      return continuityCounters(buffer.subarray(0, bytesRead));
    };
    const tailStart = Math.max(0, sizeBytes - WINDOW_BYTES);
    const head = await read(0);
    const tail = tailStart === 0 ? head : await read(tailStart - (tailStart % TS_PACKET_BYTES));
    return { head, tail };
  } finally {
    await handle.close();
  }
}
