import { useSyncExternalStore } from "react";

/** How often ages such as "4 min ago" are drawn anew; milliseconds. */
const TICK_MS = 5000;

let nowMs = Date.now();
let timer: ReturnType<typeof setInterval> | null = null;
const listeners = new Set<() => void>();

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(() => {
    nowMs = Date.now();
    for (const each of listeners) each();
  }, TICK_MS);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0 && timer !== null) {
      clearInterval(timer);
      timer = null;
    }
  };
}

/** The clock of everything on the page that tells an age; one timer for all. Unix milliseconds. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, () => {
    if (timer === null) nowMs = Date.now();
    return nowMs;
  });
}
