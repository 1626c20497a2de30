export interface CostlyReadingOptions {
  /** A reading that took less is made anew for whoever asks next. */
  cheapMs: number;
  /** One that took longer is good for so many times as long as it took. */
  restFactor: number;
  nowMs?: () => number;
}

/**
 * Something whose reading may take seconds, for many who ask again and again: those who ask at one moment share one
 * reading, and one that was costly is good for a while, so that whoever polls takes a bounded share of what is behind it,
 * however large that is. A reading that fails is kept for nobody.
 */
export function costlyReading<T>(
  read: () => Promise<T>,
  { cheapMs, restFactor, nowMs = () => performance.now() }: CostlyReadingOptions,
): () => Promise<T> {
  let kept: { value: T; untilMs: number } | null = null;
  let reading: Promise<T> | null = null;

  const begin = async (): Promise<T> => {
    const startedMs = nowMs();
    try {
      const value = await read();
      const endedMs = nowMs();
      const tookMs = endedMs - startedMs;
      kept = tookMs < cheapMs ? null : { value, untilMs: endedMs + tookMs * restFactor };
      return value;
    } finally {
      reading = null;
    }
  };

  return async () => {
    if (kept !== null && nowMs() < kept.untilMs) return kept.value;
    reading ??= begin();
    return await reading;
  };
}
