import { useSyncExternalStore } from "react";

/** How the API was when it was last asked, over all requests of this document. */
export type ApiHealth =
  | { kind: "unknown" }
  | { kind: "well"; sinceMs: number }
  | { kind: "failing"; sinceMs: number; lastGoodMs: number | null; message: string };

let health: ApiHealth = { kind: "unknown" };
const listeners = new Set<() => void>();

function become(next: ApiHealth): void {
  health = next;
  for (const listener of listeners) listener();
}

export function noteSuccess(nowMs: number): void {
  // Every answer counts, but a banner that is not there need not be drawn anew.
  if (health.kind === "well") health.sinceMs = nowMs;
  else become({ kind: "well", sinceMs: nowMs });
}

export function noteFailure(nowMs: number, message: string): void {
  if (health.kind === "failing") {
    if (health.message !== message) become({ ...health, message });
    return;
  }
  const lastGoodMs = health.kind === "well" ? health.sinceMs : null;
  become({ kind: "failing", sinceMs: nowMs, lastGoodMs, message });
}

export function useApiHealth(): ApiHealth {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => health,
  );
}
