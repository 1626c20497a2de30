import {
  compareCounters,
  type ContinuityCounters,
  lossyBoundaries,
} from "../container/mpegts/continuity.ts";
import type { SegmentPart } from "./segment-plan.ts";

/** Where a segment of a transport stream ends and the one that follows it begins, by the counters of their packets. */
export interface SegmentBoundary {
  part: SegmentPart;
  end: ContinuityCounters;
  next: ContinuityCounters;
}

/**
 * Segments that end too early, exactly between two packets: nothing in such a segment shows it, but the counters of the
 * next one do not go on where its own end.
 *
 * A stream that stood still while it was recorded leaves no such gap, since no packet is missing then; and a muxer that
 * begins to count anew, in each segment or after an interruption, is no evidence of a loss.
 *
 * @param boundaries Of one recording; among them sound ones too, which show that its muxer counts across segments.
 */
export function cutEnds(boundaries: readonly SegmentBoundary[]): readonly SegmentPart[] {
  const compared = boundaries.map(({ end, next }) => compareCounters(end, next));
  return lossyBoundaries(compared).flatMap((index) => boundaries[index]?.part ?? []);
}
