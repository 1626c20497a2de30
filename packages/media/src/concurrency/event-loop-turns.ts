import { setImmediate } from "node:timers/promises";

/** How long a loop over foreign input may hold the event loop: far below any timeout and lock of this process. */
const TURN_MS = 10;

/** Gives other work its turn between the steps of a long loop. */
export interface EventLoopTurns {
  /** True when the loop has held the event loop for long enough and should await `next`. */
  isOver(): boolean;
  /** Lets other work run. Rejects with the reason of the signal when that aborts. */
  next(): Promise<void>;
}

/** Starts the first turn at once. By the clock, since the cost of a step is in the hands of whoever wrote the input. */
export function startTurns(signal: AbortSignal): EventLoopTurns {
  let start = performance.now();
  return {
    isOver: () => performance.now() - start >= TURN_MS,
    async next(): Promise<void> {
      await setImmediate();
      signal.throwIfAborted();
      start = performance.now();
    },
  };
}
