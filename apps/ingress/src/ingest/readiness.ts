import type { Readiness } from "@reelgate/shared/ops-server";
import type { SpoolDepth } from "./ports.ts";

/**
 * Whether a callback would be taken now: by the queue, or by the spool while there is room.
 *
 * @param queueFull why the queue takes no more although it could; null while it has room.
 * @param spool null when there is none.
 */
export function readinessOf(
  queue: Readiness,
  queueFull: string | null,
  spool: SpoolDepth | null,
  nowMs: number,
): Readiness {
  const reasons = queue.ready ? [] : [...queue.reasons];
  if (queueFull !== null) reasons.push(queueFull);
  const notes = queue.ready ? [...(queue.notes ?? [])] : [];
  if (spool !== null) {
    // With a spool, what keeps callbacks from the queue is something to know, and no reason to send them elsewhere.
    notes.push(
      ...reasons.splice(0, isUsable(spool) ? reasons.length : 0),
      ...waitingIn(spool, nowMs),
    );
    if (reasons.length > 0) reasons.push(spoolTrouble(spool));
  }
  if (reasons.length > 0) return { ready: false, reasons };
  return notes.length > 0 ? { ready: true, notes } : { ready: true };
}

const isUsable = (spool: SpoolDepth): boolean => !spool.isFull && !spool.isFailing;

const spoolTrouble = (spool: SpoolDepth): string =>
  spool.isFull ? "the spool is full" : "the disk of the spool fails";

function waitingIn({ callbacks, oldestAtMs }: SpoolDepth, nowMs: number): string[] {
  if (callbacks === 0 || oldestAtMs === null) return [];
  const ageS = Math.max(0, Math.floor((nowMs - oldestAtMs) / 1000));
  return [`${callbacks} callbacks wait in the spool, the oldest for ${ageS} s`];
}
