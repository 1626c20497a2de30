import type { CallbackQueue, OrphanSpools, Spool, SpoolDepth, SpooledCallback } from "./ports.ts";

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
  /** What the spools of replicas that are gone hold at this moment. */
  orphansFound(depths: readonly SpoolDepth[]): void;
}

/** Sent to the queue at the same time. */
const CHUNK = 32;
const POLL_MS = 500;
/** Between two looks after the spools of others, and while there is something in one. */
const ORPHAN_POLL_MS = 120_000;
const FULL_ORPHAN_POLL_MS = 5000;

/**
 * Moves what is in the spool to the queue, the oldest first, until the signal aborts. New callbacks do not wait for it:
 * once the queue takes them again they go there directly, and the order of callbacks means nothing to what follows.
 * Spools of replicas that are gone are drained beside it, so that neither waits for the other.
 */
export async function drainSpool(deps: DrainSpoolDeps, signal: AbortSignal): Promise<void> {
  await Promise.all([
    repeat(deps, signal, async () => {
      await drainOne(deps, deps.own, signal);
      return POLL_MS;
    }),
    repeat(deps, signal, async () => await drainOrphans(deps, signal)),
  ]);
}

async function repeat(
  deps: DrainSpoolDeps,
  signal: AbortSignal,
  work: () => Promise<number>,
): Promise<void> {
  while (!signal.aborted) {
    let pauseMs = FULL_ORPHAN_POLL_MS;
    try {
      pauseMs = await work();
    } catch (error) {
      if (!signal.aborted) deps.events.drainFailed(error);
    }
    await deps.sleep(pauseMs, signal).catch(() => {});
  }
}

/** @returns after how many milliseconds to look again. */
async function drainOrphans(deps: DrainSpoolDeps, signal: AbortSignal): Promise<number> {
  const left: SpoolDepth[] = [];
  try {
    for await (const orphan of deps.orphans()) {
      // Not waited for, as its own is: the others are to be counted too.
      await drainOne(deps, orphan, signal, { isPatient: false });
      if (orphan.depth.callbacks > 0) left.push(orphan.depth);
    }
  } finally {
    deps.events.orphansFound(left);
  }
  return left.length > 0 ? FULL_ORPHAN_POLL_MS : ORPHAN_POLL_MS;
}

async function drainOne(
  deps: DrainSpoolDeps,
  spool: Spool,
  signal: AbortSignal,
  { isPatient }: { isPatient: boolean } = { isPatient: true },
): Promise<void> {
  while (!signal.aborted && (spool.depth.callbacks > 0 || spool.depth.bytes > 0)) {
    const batch = await spool.oldest();
    if (batch === null) return;
    for (let from = 0; from < batch.callbacks.length;) {
      signal.throwIfAborted();
      const chunk = batch.callbacks.slice(from, from + CHUNK);
      if (await enqueueAll(deps.queue, chunk)) from += chunk.length;
      else if (isPatient) await deps.sleep(POLL_MS, signal);
      else return;
    }
    await batch.done();
    if (batch.callbacks.length > 0) deps.events.drained(batch.callbacks.length);
  }
}

async function enqueueAll(
  queue: CallbackQueue,
  chunk: readonly SpooledCallback[],
): Promise<boolean> {
  const results = await Promise.all(chunk.map(({ jobId, job }) => queue.enqueue(jobId, job)));
  return results.every(({ stored }) => stored);
}
