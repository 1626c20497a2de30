import type { Clock } from "../ports.ts";

/**
 * Does `work` every `intervalMs` until it is disposed, never twice at a time. A failure is reported and does not end
 * the series.
 */
export function repeatEvery(
  clock: Clock,
  intervalMs: number,
  work: (signal: AbortSignal) => Promise<unknown>,
  onError: (error: unknown) => void,
): AsyncDisposable {
  const stopping = new AbortController();
  const series = (async () => {
    while (!stopping.signal.aborted) {
      try {
        await clock.sleep(intervalMs, stopping.signal);
        await work(stopping.signal);
      } catch (error) {
        if (!stopping.signal.aborted) onError(error);
      }
    }
  })();
  return {
    async [Symbol.asyncDispose]() {
      stopping.abort(new Error("stopped"));
      await series;
    },
  };
}
