/** A rate that many readers share. */
export interface Bandwidth {
  /**
   * Resolves when so many bytes fit in. Readers that ask one piece at a time get turns in the order in which they ask,
   * whatever the sizes of their files.
   *
   * @throws the reason of the signal when that aborts.
   */
  take(bytes: number, signal: AbortSignal): Promise<void>;
}

/** What was not used lately may be made up for: without it every late timer would cost rate for good. */
const MAX_CREDIT_MS = 100;

/**
 * A token bucket as a schedule (generic cell rate algorithm): each piece is given the moment at which the rate allows
 * its last byte, and waits for it. Nothing polls.
 */
export function createBandwidth(bytesPerSecond: number): Bandwidth {
  let scheduledMs = 0;
  return {
    async take(bytes, signal): Promise<void> {
      signal.throwIfAborted();
      const nowMs = performance.now();
      scheduledMs = Math.max(scheduledMs, nowMs - MAX_CREDIT_MS) + (bytes / bytesPerSecond) * 1000;
      if (scheduledMs - nowMs >= 1) {
        await sleep(scheduledMs - nowMs, signal);
      }
    },
  };
}

async function sleep(durationMs: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, durationMs);
    signal.addEventListener("abort", end, { once: true });
  });
  signal.throwIfAborted();
}
