import type { Clock, WorkerEvents } from "../src/ports.ts";

/** A clock that never waits: it notes what it was asked to wait. */
export function fakeClock(nowMs = 0): { clock: Clock; sleptMs: number[] } {
  const sleptMs: number[] = [];
  const clock: Clock = {
    nowMs: () => nowMs,
    random: () => 0.5,
    sleep: (delayMs, signal) => {
      signal.throwIfAborted();
      sleptMs.push(delayMs);
      return Promise.resolve();
    },
  };
  return { clock, sleptMs };
}

/** Events that only note their names. */
export function recordedEvents(): { events: WorkerEvents; seen: string[] } {
  const seen: string[] = [];
  const note = (name: string) => () => {
    seen.push(name);
  };
  const events: WorkerEvents = {
    callbackSettled: note("callbackSettled"),
    callbackReplayed: note("callbackReplayed"),
    callbackUnstorable: note("callbackUnstorable"),
    catalogueAway: note("catalogueAway"),
    mediaVerified: note("mediaVerified"),
    mediaAttemptFailed: note("mediaAttemptFailed"),
    mediaObsolete: note("mediaObsolete"),
    pendingSwept: note("pendingSwept"),
  };
  return { events, seen };
}
