import { monitorEventLoopDelay } from "node:perf_hooks";

/** Later than this it is worth a word: a probe of a load balancer waits about as long. */
const NOTABLE_MS = 1000;
/** A window is remembered until the next one ends. */
const WINDOW_MS = 5000;

export interface EventLoopLag extends Disposable {
  /** How late the event loop came in the last seconds, if that is worth a word. */
  note(): string | null;
}

/**
 * Watches whether this process comes to its work in time. It measures while it does: a process that stands still tells
 * afterwards, and meanwhile answers no probe at all.
 */
export function watchEventLoop({
  notableMs = NOTABLE_MS,
  windowMs = WINDOW_MS,
}: { notableMs?: number; windowMs?: number } = {}): EventLoopLag {
  const delay = monitorEventLoopDelay({ resolution: 20 });
  delay.enable();
  let before = 0;
  const timer = setInterval(() => {
    before = delay.max;
    delay.reset();
  }, windowMs);
  return {
    note() {
      const lateMs = Math.max(before, delay.max) / 1e6;
      return lateMs < notableMs
        ? null
        : `the event loop came ${(lateMs / 1000).toFixed(1)} s late in the last seconds`;
    },
    [Symbol.dispose]() {
      clearInterval(timer);
      delay.disable();
    },
  };
}
