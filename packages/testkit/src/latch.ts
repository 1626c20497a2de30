import { setTimeout as delay } from "node:timers/promises";

/** A one-time event that a test can wait for, instead of sleeping until it has probably happened. */
export interface Latch<T> {
  /** Lets every waiter go on; later calls change nothing. */
  open(value: T): void;
  readonly isOpen: boolean;
  /** The value with which it was opened. Rejects after `timeoutMs` (30 s). */
  wait(timeoutMs?: number): Promise<T>;
}

/** Only what hangs is given up: on a busy machine a process needs ten seconds to start now and then. */
const TIMEOUT_MS = 30_000;

export function createLatch<T = void>(name = "latch"): Latch<T> {
  const { promise, resolve } = Promise.withResolvers<T>();
  let isOpen = false;
  return {
    open(value) {
      isOpen = true;
      resolve(value);
    },
    get isOpen() {
      return isOpen;
    },
    async wait(timeoutMs = TIMEOUT_MS) {
      const deadline = new AbortController();
      const late = delay(timeoutMs, undefined, { signal: deadline.signal }).then(() => {
        throw new Error(`${name} was not opened within ${timeoutMs} ms`);
      });
      try {
        return await Promise.race([promise, late]);
      } finally {
        late.catch(() => {});
        deadline.abort();
      }
    },
  };
}

export interface UntilOptions {
  timeoutMs?: number;
  intervalMs?: number;
  /** What is waited for, for the message. */
  what?: string;
}

/**
 * Polls until `condition` gives something truthy, and gives that. A condition that throws counts as not yet; its last
 * error is the cause when time runs out.
 */
export async function until<T>(
  condition: () => T | Promise<T>,
  options: UntilOptions = {},
): Promise<Exclude<T, false | null | undefined | 0 | "">> {
  const { timeoutMs = TIMEOUT_MS, intervalMs = 10, what = "the condition" } = options;
  const deadlineMs = performance.now() + timeoutMs;
  let cause: unknown;
  for (;;) {
    try {
      const value = await condition();
      if (value) return value as Exclude<T, false | null | undefined | 0 | "">;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    if (performance.now() > deadlineMs) {
      throw new Error(`${what} did not come true within ${timeoutMs} ms`, { cause });
    }
    await delay(intervalMs);
  }
}
