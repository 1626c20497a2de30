import { type Boundary, lossyBoundaries } from "../container/mpegts/continuity.ts";
import type { SegmentPart } from "./segment-plan.ts";

/** How the packets of a segment of a transport stream go on in the one that follows it. */
export interface SegmentBoundary {
  part: SegmentPart;
  boundary: Boundary;
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
  const kinds = boundaries.map(({ boundary }) => boundary);
  return lossyBoundaries(kinds).flatMap((index) => boundaries[index]?.part ?? []);
}
