import { percentile, table } from "./figures.ts";
import { memoryBytes } from "./process-usage.ts";

/** Memory of one process over time. */
export interface MemorySeries {
  name: string;
  samples: { atMs: number; bytes: number }[];
}

const EVERY_MS = 1000;

/** Notes the memory of processes until it is disposed. A process that is gone has no more samples. */
export function sampleMemory(
  processes: Readonly<Record<string, number>>,
): AsyncDisposable & { series: readonly MemorySeries[] } {
  const series = Object.keys(processes).map((name): MemorySeries => ({ name, samples: [] }));
  let sampling = Promise.resolve();
  const timer = setInterval(() => {
    sampling = sampling.then(async () => {
      for (const { name, samples } of series) {
        const bytes = await memoryBytes(processes[name] ?? 0).catch(() => null);
        if (bytes !== null) samples.push({ atMs: performance.now(), bytes });
      }
    });
  }, EVERY_MS);
  return {
    series,
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await sampling;
    },
  };
}

/** What it grew by over the second half of its samples, by the straight line through them, as a share of their median. */
export function growthOf({ samples }: MemorySeries): number {
  const half = samples.slice(Math.floor(samples.length / 2));
  const first = half[0];
  const last = half.at(-1);
  if (first === undefined || last === undefined || half.length < 3) return 0;
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const times = half.map(({ atMs }) => atMs);
  const sizes = half.map(({ bytes }) => bytes);
  const [meanTime, meanSize] = [mean(times), mean(sizes)];
  const covariance = mean(half.map(({ atMs, bytes }) => (atMs - meanTime) * (bytes - meanSize)));
  const variance = mean(times.map((atMs) => (atMs - meanTime) ** 2));
  const slope = covariance / variance;
  return (slope * (last.atMs - first.atMs)) / percentile(sizes, 0.5);
}

const mebibytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(0);

export function memoryTable(series: readonly MemorySeries[]): string {
  return table(
    ["process", "samples", "min MiB", "median MiB", "max MiB", "second half: growth"],
    series.map((one) => {
      const sizes = one.samples.map(({ bytes }) => bytes);
      return [
        one.name,
        String(sizes.length),
        mebibytes(Math.min(...sizes)),
        mebibytes(percentile(sizes, 0.5)),
        mebibytes(Math.max(...sizes)),
        `${(growthOf(one) * 100).toFixed(1)} %`,
      ];
    }),
  );
}
