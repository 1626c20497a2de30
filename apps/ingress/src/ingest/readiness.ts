import type { Readiness } from "@reelgate/shared/ops-server";
import type { SpoolDepth } from "./ports.ts";

/**
 * Whether a callback would be taken now: by the queue, or by the spool while there is room.
 *
 * @param spool null when there is none.
 */
export function readinessOf(queue: Readiness, spool: SpoolDepth | null): Readiness {
  if (spool === null) return queue;
  const waiting = spool.callbacks === 0 ? [] : [`${spool.callbacks} callbacks wait in the spool`];
  if (queue.ready) {
    const notes = [...(queue.notes ?? []), ...waiting];
    return notes.length === 0 ? queue : { ready: true, notes };
  }
  if (spool.isFull) return { ready: false, reasons: [...queue.reasons, "the spool is full"] };
  if (spool.isFailing) {
    return { ready: false, reasons: [...queue.reasons, "the disk of the spool fails"] };
  }
  return { ready: true, notes: [...queue.reasons, ...waiting] };
}
