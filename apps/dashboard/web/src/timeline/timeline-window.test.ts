import fc from "fast-check";
import { expect, test } from "vitest";
import { ZOOMS, ZOOM_MS, moved, ticks, windowEndingAt, zoomed } from "./timeline-window.ts";

const moments = fc.integer({ min: 0, max: 4e12 });
const zooms = fc.constantFrom(...ZOOMS);

test("a window holds the moment that it is for, near its end, and has the width of its zoom", () => {
  fc.assert(
    fc.property(moments, zooms, (atMs, zoom) => {
      const { startMs, endMs } = windowEndingAt(atMs, zoom);
      expect(endMs - startMs).toBe(ZOOM_MS[zoom]);
      expect(endMs).toBeGreaterThan(atMs);
      expect(endMs - atMs).toBeLessThanOrEqual(ZOOM_MS[zoom] / 4);
    }),
  );
});

test("moving there and back, or zooming in and out, changes nothing", () => {
  fc.assert(
    fc.property(moments, zooms, zooms, (atMs, zoom, other) => {
      const window = windowEndingAt(atMs, zoom);
      expect(moved(moved(window, 0.25), -0.25)).toEqual(window);
      expect(zoomed(zoomed(window, other), zoom)).toEqual(window);
    }),
  );
});

test("the axis has a few labels, on round times of the reader's clock", () => {
  fc.assert(
    fc.property(moments, zooms, fc.constantFrom(0, -480, -330, 300), (atMs, zoom, offset) => {
      const window = windowEndingAt(atMs, zoom);
      const found = ticks(window, zoom, offset);
      expect(found.length).toBeGreaterThanOrEqual(5);
      expect(found.length).toBeLessThanOrEqual(9);
      for (const tick of found) expect(Math.abs(tick - offset * 60_000) % 600_000).toBe(0);
    }),
  );
});
