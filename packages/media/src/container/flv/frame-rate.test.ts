import { expect, test } from "vitest";
import { frameRate } from "./frame-rate.ts";
import { createTrackClock, type TrackTime } from "./track-clock.ts";

/** Timestamps as a muxer writes them, in whole milliseconds. */
function timeOf(fps: number, frames: number): TrackTime | null {
  const clock = createTrackClock(() => 0);
  for (let frame = 0; frame < frames; frame += 1) {
    clock.add(Math.round((frame * 1000) / fps), 0);
  }
  return clock.read();
}

const NTSC = 30_000 / 1001;

test.each([
  ["nothing known", null, [], null],
  ["a claim alone", null, [25], 25],
  ["a claim that is none", null, [0, 1000, 25], 25],
  ["the first of two claims that both fit", timeOf(NTSC, 100), [30, NTSC], 30],
  ["the second claim, when the first does not fit", timeOf(NTSC, 100), [90, NTSC], NTSC],
  ["timestamps against the claim", timeOf(25, 100), [60], 25],
  ["a few timestamps do not contradict", timeOf(25, 5), [60], 60],
  ["a usual rate behind rounded timestamps", timeOf(NTSC, 1000), [], NTSC],
  ["an unusual rate", timeOf(17.3, 1000), [], 17.3],
  ["two frames tell no rate", timeOf(25, 2), [], null],
])("%s", (_name, time, claims, expected) => {
  expect(frameRate(time, claims)).toBe(expected);
});
