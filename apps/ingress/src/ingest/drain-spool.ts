import type { CallbackQueue, OrphanSpools, Spool } from "./ports.ts";

export interface DrainSpoolDeps {
  own: Spool;
  /** Spools of replicas that are gone. Whoever is there takes care of them. */
  orphans: OrphanSpools;
  /** The queue itself, without the spool before it. */
  queue: CallbackQueue;
  /** Resolves after `delayMs`, or rejects when the signal aborts first. */
  sleep: (delayMs: number, signal: AbortSignal) => Promise<void>;
  events: DrainEvents;
}

export interface DrainEvents {
  drained(callbacks: number): void;
  /** The spool itself failed, not the queue. */
  drainFailed(error: unknown): void;
}

/** Sent to the queue at the same time. */
const CHUNK = 32;
const POLL_MS = 500;
/** One in this many polls looks after the spools of others: two minutes. */
const ORPHAN_POLLS = 240;

/**
 * Moves what is in the spool to the queue, the oldest first, until the signal aborts. New callbacks do not wait for it:
 * once the queue takes them again they go there directly, and the order of callbacks means nothing to what follows.
 */
export async function drainSpool(deps: DrainSpoolDeps, signal: AbortSignal): Promise<void> {
  for (let poll = 0; !signal.aborted; poll += 1) {
    try {
      await drainOne(deps, deps.own, signal);
      if (poll % ORPHAN_POLLS === 0) {
        for await (const orphan of deps.orphans()) await drainOne(deps, orphan, signal);
      }
    } catch (error) {
      if (!signal.aborted) deps.events.drainFailed(error);
    }
    await deps.sleep(POLL_MS, signal).catch(() => {});
  }
}

async function drainOne(deps: DrainSpoolDeps, spool: Spool, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && spool.depth.bytes > 0) {
    const batch = await spool.oldest();
    if (batch === null) return;
    for (let from = 0; from < batch.callbacks.length;) {
      signal.throwIfAborted();
      const chunk = batch.callbacks.slice(from, from + CHUNK);
      if (await enqueueAll(deps.queue, chunk)) from += chunk.length;
      else await deps.sleep(POLL_MS, signal);
    }
    await batch.done();
    deps.events.drained(batch.callbacks.length);
  }
}

async function enqueueAll(
  queue: CallbackQueue,
  chunk: readonly { jobId: string; job: Parameters<CallbackQueue["enqueue"]>[1] }[],
): Promise<boolean> {
  const results = await Promise.all(chunk.map(({ jobId, job }) => queue.enqueue(jobId, job)));
  return results.every(({ stored }) => stored);
}
