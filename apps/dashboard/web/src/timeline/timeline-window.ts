import type { Interval } from "./timeline-lanes.ts";

/** How much time the timeline shows. */
export const ZOOMS = ["1h", "6h", "day"] as const;
export type Zoom = (typeof ZOOMS)[number];

const HOUR_MS = 3_600_000;

export const ZOOM_MS: Readonly<Record<Zoom, number>> = {
  "1h": HOUR_MS,
  "6h": 6 * HOUR_MS,
  day: 24 * HOUR_MS,
};

const TICK_MS: Readonly<Record<Zoom, number>> = {
  "1h": HOUR_MS / 6,
  "6h": HOUR_MS,
  day: 3 * HOUR_MS,
};

/** A window that ends on a tick shortly after a moment: what ended last is seen near the right edge. */
export function windowEndingAt(atMs: number, zoom: Zoom): Interval {
  const step = TICK_MS[zoom];
  const endMs = Math.ceil((atMs + 1) / step) * step;
  return { startMs: endMs - ZOOM_MS[zoom], endMs };
}

/** The same window, moved by a part of its width. */
export function moved(window: Interval, part: number): Interval {
  const byMs = (window.endMs - window.startMs) * part;
  return { startMs: window.startMs + byMs, endMs: window.endMs + byMs };
}

/** A window of another width around the same middle. */
export function zoomed(window: Interval, zoom: Zoom): Interval {
  const middleMs = (window.startMs + window.endMs) / 2;
  return { startMs: middleMs - ZOOM_MS[zoom] / 2, endMs: middleMs + ZOOM_MS[zoom] / 2 };
}

/** The moments at which the axis is labelled, on the reader's own clock (half-hour time zones too). */
export function ticks(window: Interval, zoom: Zoom, offsetMinutes: number): number[] {
  const step = TICK_MS[zoom];
  const offsetMs = offsetMinutes * 60_000;
  const first = Math.ceil((window.startMs - offsetMs) / step) * step + offsetMs;
  const found: number[] = [];
  for (let atMs = first; atMs <= window.endMs; atMs += step) found.push(atMs);
  return found;
}
