import type { TrackTime } from "./track-clock.ts";

/** Rates that are meant when timestamps in whole milliseconds say almost that. */
const USUAL_FPS: readonly number[] = [
  10,
  12,
  12.5,
  15,
  20,
  24_000 / 1001,
  24,
  25,
  30_000 / 1001,
  30,
  48,
  50,
  60_000 / 1001,
  60,
  90,
  120,
];

/** Fewer steps contradict no claim: a stream may start with a gap. */
const MIN_STEPS_TO_CONTRADICT = 12;
const MIN_STEPS = 2;
const MAX_CLAIM_ERROR = 0.2;
const MAX_FPS = 240;

/**
 * The mean rate of frames. A claim (of onMetaData, then of the codec's own timing) is taken when the timestamps do not
 * contradict it; without a usable one the timestamps decide, a few frames of which cannot tell 29.97 from 30.
 */
export function frameRate(
  time: TrackTime | null,
  claims: readonly (number | null)[],
): number | null {
  const isPossible = (fps: number | null): fps is number =>
    fps !== null && fps >= 1 && fps <= MAX_FPS;
  const possible = claims.filter(isPossible);
  const neededSteps = possible.length > 0 ? MIN_STEPS_TO_CONTRADICT : MIN_STEPS;
  if (time === null || time.steps < neededSteps) {
    return possible[0] ?? null;
  }
  const measured = (time.steps * 1000) / time.stepsMs;
  // Both ends are rounded to a millisecond.
  const error = measured / time.stepsMs;
  const claimed = possible.find(
    (fps) => Math.abs(fps - measured) <= Math.max(fps * MAX_CLAIM_ERROR, error),
  );
  if (claimed !== undefined) {
    return claimed;
  }
  const nearest =
    USUAL_FPS.toSorted((a, b) => Math.abs(a - measured) - Math.abs(b - measured))[0] ?? 0;
  const isNear = Math.abs(nearest - measured) <= Math.max(error, nearest * 0.001);
  return isNear ? nearest : Math.round(measured * 1000) / 1000;
}
