/** One signal out of several. Must be ended, or the sources keep it reachable for as long as they live. */
export interface LinkedSignal {
  readonly signal: AbortSignal;
  abort(reason: unknown): void;
  end(): void;
}

/** Aborts with the reason of the first source that does, or with the one given to `abort`. */
export function linkSignals(sources: readonly (AbortSignal | undefined)[]): LinkedSignal {
  const controller = new AbortController();
  const links: { source: AbortSignal; onAbort: () => void }[] = [];
  for (const source of sources) {
    if (source?.aborted === true) {
      controller.abort(source.reason);
    } else if (source !== undefined) {
      const onAbort = (): void => controller.abort(source.reason);
      source.addEventListener("abort", onAbort, { once: true });
      links.push({ source, onAbort });
    }
  }
  return {
    signal: controller.signal,
    abort: (reason) => controller.abort(reason),
    end(): void {
      for (const { source, onAbort } of links.splice(0)) {
        source.removeEventListener("abort", onAbort);
      }
    },
  };
}
