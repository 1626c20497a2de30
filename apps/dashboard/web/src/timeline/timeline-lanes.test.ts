import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { clip, coveredMs, timelineLanes } from "./timeline-lanes.ts";
import type { TimelineItem } from "./timeline-lanes.ts";

const item = (id: string, startMs: number, endMs: number, lane = "MP4"): TimelineItem => ({
  id,
  lane,
  startMs,
  endMs,
});

describe("recordings in lanes", () => {
  test("two formats of one task are two lanes, and no overlap", () => {
    const lanes = timelineLanes([item("1", 0, 100), item("2", 0, 100, "HLS")], 0);
    expect(lanes.map(({ name, rows, gaps, overlaps }) => ({ name, rows, gaps, overlaps }))).toEqual(
      [
        { name: "HLS", rows: 1, gaps: [], overlaps: [] },
        { name: "MP4", rows: 1, gaps: [], overlaps: [] },
      ],
    );
  });

  test("a gap is the time that no recording holds", () => {
    const [lane] = timelineLanes([item("b", 150, 200), item("a", 0, 100)], 0);
    expect(lane?.gaps).toEqual([{ startMs: 100, endMs: 150 }]);
    expect(lane?.segments.map((segment) => segment.item.id)).toEqual(["a", "b"]);
  });

  test("there is no gap under a longer recording that ends later", () => {
    const [lane] = timelineLanes([item("a", 0, 500), item("b", 10, 20), item("c", 400, 600)], 0);
    expect(lane?.gaps).toEqual([]);
  });

  test("an overlap names all that are in it, and each has a row", () => {
    const [lane] = timelineLanes([item("a", 0, 100), item("b", 50, 150), item("c", 90, 95)], 0);
    expect(lane?.overlaps).toEqual([{ startMs: 50, endMs: 100, ids: ["a", "b", "c"] }]);
    expect(lane?.segments.map(({ row }) => row)).toEqual([0, 1, 2]);
  });

  test("recordings that touch, or nearly, have neither gap nor overlap", () => {
    const touching = [
      item("a", 0, 100),
      item("b", 100, 200),
      item("c", 203, 300),
      item("d", 298, 400),
    ];
    const [lane] = timelineLanes(touching, 5);
    expect(lane).toMatchObject({ gaps: [], overlaps: [], rows: 1 });
    expect(timelineLanes(touching, 1)[0]).toMatchObject({
      gaps: [{ startMs: 200, endMs: 203 }],
      overlaps: [{ startMs: 298, endMs: 300, ids: ["c", "d"] }],
    });
  });

  test("one that ends before it starts, as it was declared, has no duration", () => {
    const [lane] = timelineLanes([item("a", 100, 0), item("b", 100, 200)], 0);
    expect(lane).toMatchObject({ gaps: [], overlaps: [] });
    expect(lane?.segments[0]).toMatchObject({ startMs: 100, endMs: 100 });
  });

  test("nothing gives nothing", () => {
    expect(timelineLanes([], 0)).toEqual([]);
  });
});

describe("whatever the recordings are", () => {
  const items = fc.uniqueArray(
    fc.record({
      id: fc.integer({ min: 0, max: 1e6 }).map(String),
      lane: fc.constantFrom("HLS", "MP4"),
      startMs: fc.integer({ min: 0, max: 200 }),
      endMs: fc.integer({ min: 0, max: 260 }),
    }),
    { selector: ({ id }) => id, maxLength: 25 },
  );
  /** Of each moment, how many recordings hold it: slow, and plainly right. */
  const holders = (members: readonly TimelineItem[], atMs: number): number =>
    members.filter(({ startMs, endMs }) => startMs <= atMs && atMs < endMs).length;

  test("every moment is in a gap, in an overlap, or in one recording", () => {
    fc.assert(
      fc.property(items, (all) => {
        for (const lane of timelineLanes(all, 0)) {
          const members = all.filter((each) => each.lane === lane.name);
          const first = Math.min(...members.map(({ startMs }) => startMs));
          const last = Math.max(...lane.segments.map(({ endMs }) => endMs));
          const inside = (parts: readonly { startMs: number; endMs: number }[], at: number) =>
            parts.some(({ startMs, endMs }) => startMs <= at && at < endMs);
          for (let at = first; at < last; at++) {
            const held = holders(members, at);
            // A recording without duration may stand in the middle of a gap, which is two then.
            expect([at, inside(lane.gaps, at)]).toEqual([at, held === 0]);
            expect([at, inside(lane.overlaps, at)]).toEqual([at, held >= 2]);
          }
        }
      }),
    );
  });

  test("each recording is drawn once, and no two of one row overlap", () => {
    fc.assert(
      fc.property(items, fc.constantFrom(0, 3), (all, toleranceMs) => {
        const lanes = timelineLanes(all, toleranceMs);
        expect(
          lanes.flatMap(({ segments }) => segments.map(({ item: { id } }) => id)).toSorted(),
        ).toEqual(all.map(({ id }) => id).toSorted());
        for (const { segments, rows } of lanes) {
          for (let row = 0; row < rows; row++) {
            const inRow = segments.filter((segment) => segment.row === row);
            expect(inRow.length).toBeGreaterThan(0);
            for (const [index, segment] of inRow.slice(1).entries()) {
              expect(segment.startMs).toBeGreaterThanOrEqual(
                (inRow[index]?.endMs ?? 0) - toleranceMs,
              );
            }
          }
        }
      }),
    );
  });

  test("what is held within a window is counted once", () => {
    fc.assert(
      fc.property(items, fc.nat(200), fc.nat(100), (all, startMs, width) => {
        const window = { startMs, endMs: startMs + width };
        const moments = Array.from({ length: width }, (_, index) => startMs + index);
        expect(coveredMs(all, window)).toBe(moments.filter((at) => holders(all, at) > 0).length);
      }),
    );
  });
});

test("a part within a window", () => {
  expect(clip({ startMs: 0, endMs: 10 }, { startMs: 5, endMs: 20 })).toEqual({
    startMs: 5,
    endMs: 10,
  });
  expect(clip({ startMs: 0, endMs: 5 }, { startMs: 5, endMs: 20 })).toBeNull();
});
