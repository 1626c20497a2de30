import { linkSignals } from "./linked-signal.ts";

/**
 * Works through the items in their order, so many at a time. The first failure stops all of them, and is thrown when
 * none is at work any more.
 *
 * @param work Must end soon after its signal aborts.
 * @throws what `work` throws first; the reason of `outer` when that aborts.
 */
export async function runLanes<T>(
  items: Iterable<T>,
  lanes: number,
  outer: AbortSignal,
  work: (item: T, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const linked = linkSignals([outer]);
  const { signal } = linked;
  const queue = items[Symbol.iterator]();

  async function workThroughQueue(): Promise<void> {
    try {
      for (let next = queue.next(); next.done !== true; next = queue.next()) {
        signal.throwIfAborted();
        await work(next.value, signal);
      }
    } catch (error) {
      linked.abort(error);
    }
  }

  try {
    await Promise.all(Array.from({ length: lanes }, workThroughQueue));
    signal.throwIfAborted();
  } finally {
    linked.end();
  }
}
