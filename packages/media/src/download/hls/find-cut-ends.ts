import { open } from "node:fs/promises";
import { runLanes } from "../../concurrency/run-lanes.ts";
import {
  compareCounters,
  type ContinuityCounters,
  continuityCounters,
} from "../../container/mpegts/continuity.ts";
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

/** The thread pool has four threads. With eight, the ends of 500 segments take 85 ms. */
const LANES = 8;
/** Counters are held of so many segments: a recording has 100,000, and each can have tables of its own. */
const BATCH = 256;

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
  let before: { part: SegmentPart; tail: ContinuityCounters } | null = null;
  for (let start = 0; start < segments.length; start += BATCH) {
    const batch = segments.slice(start, start + BATCH);
    const ends: Ends[] = [];
    await runLanes(batch.entries(), LANES, signal, async ([index, segment]) => {
      ends[index] = await readEnds(segment);
    });
    for (const [index, { head, tail }] of ends.entries()) {
      const part = batch[index]?.part;
      if (before !== null && before.part === part?.follows) {
        boundaries.push({ part: before.part, boundary: compareCounters(before.tail, head) });
      }
      before = part === undefined ? null : { part, tail };
    }
  }
  return cutEnds(boundaries);
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
