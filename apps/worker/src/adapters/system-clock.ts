import { setTimeout as delay } from "node:timers/promises";
import type { Clock } from "../ports.ts";

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  random: () => Math.random(),
  async sleep(delayMs, signal) {
    try {
      await delay(delayMs, undefined, { signal });
    } catch {
      // The timer's own AbortError hides the reason.
      signal.throwIfAborted();
    }
  },
};
