import { withinMs } from "./lifecycle.ts";

export interface ScrapeReadingOptions {
  /** A reading is good for so long: however often somebody scrapes, what is behind it is asked no more often. */
  maxAgeMs: number;
  /** A scrape waits no longer than this, and then goes without the reading. */
  deadlineMs: number;
}

/**
 * Something that is read when a scrape asks for it, and is null when it cannot be had in time. Scrapes at one moment
 * share one reading, and while one hangs no other is begun.
 */
export function scrapeReading<T>(
  read: () => Promise<T>,
  options: ScrapeReadingOptions,
): () => Promise<T | null> {
  let value: T | null = null;
  let readAtMs = -Infinity;
  let reading: Promise<void> | null = null;

  const begin = async (): Promise<void> => {
    try {
      value = await read();
    } catch {
      value = null;
    }
    readAtMs = performance.now();
    reading = null;
  };

  return async () => {
    if (reading === null && performance.now() - readAtMs >= options.maxAgeMs) reading = begin();
    if (reading !== null && !(await withinMs(reading, options.deadlineMs))) value = null;
    return value;
  };
}
