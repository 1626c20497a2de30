import { AppError } from "@reelgate/shared/errors";

/** One signal out of a deadline and the caller's own signal. Must be ended, or its timer keeps the process alive. */
export interface ReadDeadline {
  signal: AbortSignal;
  /** Time that passes now is no slowness of the origin. */
  pause(): void;
  resume(): void;
  /** Aborts the signal, unless it was ended. */
  fail(reason: Error): void;
  end(): void;
}

/**
 * Starts a deadline. After `timeoutMs` (null: never) the signal aborts with an AppError `media_timeout`; when `outer`
 * aborts, with the reason of `outer`. `end` removes the timer and the listener: AbortSignal.any would keep every read of
 * a long job reachable from the job's one signal.
 */
export function startDeadline(
  timeoutMs: number | null,
  what: string,
  outer: AbortSignal | undefined,
): ReadDeadline {
  const controller = new AbortController();
  let leftMs = timeoutMs;
  let runningSinceMs: number | null = null;
  let timer: NodeJS.Timeout | undefined;
  let hasEnded = false;

  const onTimeout = (): void => {
    controller.abort(
      new AppError("media_timeout", { message: `${what}: not finished after ${timeoutMs} ms.` }),
    );
  };
  const onAbort = (): void => controller.abort(outer?.reason);

  function pause(): void {
    clearTimeout(timer);
    timer = undefined;
    if (leftMs !== null && runningSinceMs !== null) {
      leftMs = Math.max(0, leftMs - (performance.now() - runningSinceMs));
    }
    runningSinceMs = null;
  }

  function resume(): void {
    if (leftMs !== null && !hasEnded && timer === undefined) {
      runningSinceMs = performance.now();
      timer = setTimeout(onTimeout, leftMs);
    }
  }

  resume();
  if (outer?.aborted === true) {
    onAbort();
  } else {
    outer?.addEventListener("abort", onAbort, { once: true });
  }
  return {
    signal: controller.signal,
    pause,
    resume,
    fail(reason): void {
      if (!hasEnded) {
        controller.abort(reason);
      }
    },
    end(): void {
      hasEnded = true;
      pause();
      outer?.removeEventListener("abort", onAbort);
    },
  };
}
