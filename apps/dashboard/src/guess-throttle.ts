import { addressNetwork } from "@reelgate/shared/address-network";

/**
 * Makes guessing of the password slow: each address may be wrong a few times, then a few times a minute. What is said of
 * addresses holds for any other name of a guesser that has no colon.
 */
export interface GuessThrottle {
  /** Milliseconds until `address` may try again; 0 when it may now. */
  waitMs(address: string): number;
  /** Counts a wrong attempt. */
  recordFailure(address: string): void;
  /** Addresses that are remembered now. */
  readonly size: number;
}

export interface GuessThrottleOptions {
  nowMs: () => number;
  /** Wrong attempts that an address has at once. */
  burst: number;
  /** After this many milliseconds it has one more. */
  refillMs: number;
  /** Bound on memory: beyond it the address that was wrong the longest ago is forgotten. */
  maxAddresses: number;
}

/**
 * A token bucket for each address, kept as one number: the time at which the bucket is full again.
 *
 * Only wrong attempts count, so that a working client is slowed only by others behind its own address; while an address
 * has to wait, its attempts are not looked at, so a right guess among many parallel ones is not found either.
 */
export function createGuessThrottle(options: GuessThrottleOptions): GuessThrottle {
  const { nowMs, burst, refillMs, maxAddresses } = options;
  const fullAtMs = new Map<string, number>();
  return {
    waitMs(address) {
      const key = addressNetwork(address);
      const fullAt = fullAtMs.get(key);
      if (fullAt === undefined) return 0;
      const now = nowMs();
      if (fullAt <= now) fullAtMs.delete(key);
      return Math.max(0, fullAt - now - (burst - 1) * refillMs);
    },
    recordFailure(address) {
      const key = addressNetwork(address);
      const now = nowMs();
      const fullAt = Math.max(fullAtMs.get(key) ?? now, now) + refillMs;
      // Deleted first, so that the map's order is the order of the last failures.
      fullAtMs.delete(key);
      fullAtMs.set(key, fullAt);
      if (fullAtMs.size > maxAddresses) {
        const oldest = fullAtMs.keys().next();
        if (oldest.done !== true) fullAtMs.delete(oldest.value);
      }
    },
    get size() {
      return fullAtMs.size;
    },
  };
}
