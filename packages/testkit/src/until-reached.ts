import { setTimeout as delay } from "node:timers/promises";

export interface UntilReachedOptions {
  target: number;
  read: () => Promise<number>;
  /** Given up when the number has not changed for so long. */
  standstillMs: number;
  intervalMs: number;
  onRead?: (value: number) => void;
}

/**
 * Waits until a number has become as large as `target`. False when it stands still before: what is missing then is for
 * the caller to find, and is no reason to wait for ever.
 */
export async function untilReached(options: UntilReachedOptions): Promise<boolean> {
  let last = Number.NaN;
  let changedMs = performance.now();
  for (;;) {
    const value = await options.read();
    options.onRead?.(value);
    if (value >= options.target) return true;
    if (value !== last) changedMs = performance.now();
    else if (performance.now() - changedMs >= options.standstillMs) return false;
    last = value;
    await delay(options.intervalMs);
  }
}
