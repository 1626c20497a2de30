/** Round values from 0 to at least the largest one, three to six of them, the first is 0: for an axis of counts. */
export function countTicks(max: number): number[] {
  if (!(max > 0)) return [0, 1];
  const rough = max / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const factor = [1, 2, 5, 10].find((candidate) => candidate * power >= rough) ?? 10;
  const step = Math.max(1, factor * power);
  const steps = Math.max(1, Math.ceil(max / step));
  return Array.from({ length: steps + 1 }, (_, index) => index * step);
}

/**
 * Where a duration lies between 0 and 1 on an axis that gives a second as much room as ten minutes, as lags have: from
 * 10 ms to 3 h, by logarithm.
 */
export function lagPosition(seconds: number): number {
  const from = Math.log10(0.01);
  const to = Math.log10(10_800);
  return Math.min(1, Math.max(0, (Math.log10(Math.max(seconds, 1e-9)) - from) / (to - from)));
}

export interface StackedPart {
  name: string;
  value: number;
  /** In the unit of the values, from the bottom. */
  from: number;
  to: number;
}

/** Values on top of each other in the given order; those of nothing are left out. */
export function stack(values: readonly { name: string; value: number }[]): StackedPart[] {
  let from = 0;
  const parts: StackedPart[] = [];
  for (const { name, value } of values) {
    if (!(value > 0)) continue;
    parts.push({ name, value, from, to: from + value });
    from += value;
  }
  return parts;
}
