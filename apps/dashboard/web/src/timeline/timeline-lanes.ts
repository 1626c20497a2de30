/** What the timeline needs to know of a recording; times are Unix milliseconds. */
export interface TimelineItem {
  id: string;
  /** Recordings of one lane are to follow each other without gap or overlap. */
  lane: string;
  startMs: number;
  /** A claim like all of a callback: one that lies before the start counts as the start. */
  endMs: number;
}

export interface Interval {
  startMs: number;
  endMs: number;
}

export interface Segment<T extends TimelineItem> extends Interval {
  item: T;
  /** Counted from 0: recordings that overlap are drawn in rows of their own. */
  row: number;
}

/** A time that two or more recordings of one lane hold. */
export interface Overlap extends Interval {
  ids: string[];
}

export interface Lane<T extends TimelineItem> {
  name: string;
  rows: number;
  /** By start. */
  segments: Segment<T>[];
  gaps: Interval[];
  overlaps: Overlap[];
}

/**
 * Puts recordings into lanes and finds what lies between them. HLS and MP4 of one task hold the same time and are no
 * overlap: they are in two lanes.
 *
 * @param toleranceMs gaps and overlaps that are not longer than this are not told: the provider cuts a stream between
 * two frames, and its clocks are not exact.
 */
export function timelineLanes<T extends TimelineItem>(
  items: readonly T[],
  toleranceMs: number,
): Lane<T>[] {
  const byLane = Map.groupBy(items, ({ lane }) => lane);
  return [...byLane]
    .map(([name, members]) => laneOf(name, members, toleranceMs))
    .toSorted((a, b) => compareText(a.name, b.name));
}

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function laneOf<T extends TimelineItem>(
  name: string,
  members: readonly T[],
  toleranceMs: number,
): Lane<T> {
  const ordered = members
    .map((item) => ({ item, startMs: item.startMs, endMs: Math.max(item.startMs, item.endMs) }))
    .toSorted(
      (a, b) => a.startMs - b.startMs || a.endMs - b.endMs || compareText(a.item.id, b.item.id),
    );
  const rowEnds: number[] = [];
  const gaps: Interval[] = [];
  let coveredUntilMs = ordered[0]?.startMs ?? 0;
  const segments = ordered.map((segment): Segment<T> => {
    if (segment.startMs - coveredUntilMs > toleranceMs) {
      gaps.push({ startMs: coveredUntilMs, endMs: segment.startMs });
    }
    coveredUntilMs = Math.max(coveredUntilMs, segment.endMs);
    let row = rowEnds.findIndex((endMs) => endMs <= segment.startMs + toleranceMs);
    if (row === -1) row = rowEnds.length;
    rowEnds[row] = Math.max(rowEnds[row] ?? segment.endMs, segment.endMs);
    return { ...segment, row };
  });
  return {
    name,
    rows: rowEnds.length,
    segments,
    gaps,
    overlaps: overlapsOf(segments, toleranceMs),
  };
}

/** Sweeps over all beginnings and ends; neighbouring times that several recordings hold are one overlap. */
function overlapsOf<T extends TimelineItem>(
  segments: readonly Segment<T>[],
  toleranceMs: number,
): Overlap[] {
  // One without duration holds no time, and its end would be swept before its start.
  const lasting = segments.filter(({ startMs, endMs }) => endMs > startMs);
  const edges = lasting.flatMap((segment) => [
    { atMs: segment.startMs, opens: true, id: segment.item.id },
    { atMs: segment.endMs, opens: false, id: segment.item.id },
  ]);
  // At one instant ends come first: recordings that only touch do not overlap.
  edges.sort((a, b) => a.atMs - b.atMs || Number(a.opens) - Number(b.opens));
  const overlaps: Overlap[] = [];
  const open: string[] = [];
  let current: (Overlap & { seen: Set<string> }) | null = null;
  for (const { atMs, opens, id } of edges) {
    if (opens) {
      open.push(id);
      if (open.length >= 2) {
        current ??= { startMs: atMs, endMs: atMs, ids: [], seen: new Set() };
        for (const held of open) current.seen.add(held);
      }
    } else {
      open.splice(open.indexOf(id), 1);
      if (current !== null && open.length < 2) {
        if (atMs - current.startMs > toleranceMs) {
          overlaps.push({ startMs: current.startMs, endMs: atMs, ids: [...current.seen] });
        }
        current = null;
      }
    }
  }
  return overlaps;
}

/** The part of an interval within another; null for none. */
export function clip(interval: Interval, to: Interval): Interval | null {
  const startMs = Math.max(interval.startMs, to.startMs);
  const endMs = Math.min(interval.endMs, to.endMs);
  return endMs > startMs ? { startMs, endMs } : null;
}

/** How much of a time the segments hold together, each moment counted once; milliseconds. */
export function coveredMs(segments: readonly Interval[], within: Interval): number {
  let total = 0;
  let untilMs = within.startMs;
  for (const segment of segments.toSorted((a, b) => a.startMs - b.startMs)) {
    const startMs = Math.max(segment.startMs, untilMs);
    const endMs = Math.min(segment.endMs, within.endMs);
    if (endMs > startMs) {
      total += endMs - startMs;
      untilMs = endMs;
    }
  }
  return total;
}
