import type { BitReader } from "./bit-reader.ts";

const MAX_SETS = 64;
const MAX_PICTURES = 16;

/**
 * Skips the short-term reference picture sets of a sequence parameter set (ITU-T H.265, 7.3.7 and 7.4.8). How long one
 * is depends on the pictures that the one before it names, so they have to be followed. False when they are no such sets.
 */
export function skipShortTermRefPicSets(bits: BitReader): boolean {
  const count = bits.ue();
  if (count > MAX_SETS) {
    return false;
  }
  // Distances to the pictures in order of their coding: negative ones from the nearest on, then positive ones.
  let previous: number[] = [];
  for (let index = 0; index < count; index += 1) {
    const isPredicted = index > 0 && bits.flag();
    const set = isPredicted ? readPredictedSet(bits, previous) : readSet(bits);
    if (set === null || set.length > MAX_PICTURES || bits.isOverrun) {
      return false;
    }
    previous = set;
  }
  return true;
}

function readSet(bits: BitReader): number[] | null {
  const negatives = bits.ue();
  const positives = bits.ue();
  if (negatives + positives > MAX_PICTURES) {
    return null;
  }
  const readDistances = (pictures: number, sign: 1 | -1): number[] => {
    let distance = 0;
    return Array.from({ length: pictures }, () => {
      distance += sign * (bits.ue() + 1);
      bits.skip(1); // used_by_curr_pic
      return distance;
    });
  };
  return [...readDistances(negatives, -1), ...readDistances(positives, 1)];
}

/** A set that is the one before it, moved (H.265, equations 7-61 and 7-62). */
function readPredictedSet(bits: BitReader, reference: readonly number[]): number[] {
  const isNegative = bits.flag();
  const move = (bits.ue() + 1) * (isNegative ? -1 : 1);
  const distances = [...reference, 0].flatMap((distance) => {
    const isUsed = bits.flag();
    return isUsed || bits.flag() ? [distance + move] : [];
  });
  return [
    ...distances.filter((distance) => distance < 0).toSorted((a, b) => b - a),
    ...distances.filter((distance) => distance > 0).toSorted((a, b) => a - b),
  ];
}
