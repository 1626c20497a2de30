import { AppError } from "@reelgate/shared/errors";

/** One signal out of a deadline and the caller's own signal. Must be ended, or its timer keeps the process alive. */
export interface ReadDeadline {
  signal: AbortSignal;
  end(): void;
}

/**
 * Starts a deadline. After `timeoutMs` (null: never) the signal aborts with an AppError `media_timeout`; when `outer` aborts, with
 * the reason of `outer`. `end` removes the timer and the listener: AbortSignal.any would keep every read of a long
 * job reachable from the job's one signal.
 */
export function startDeadline(
  timeoutMs: number | null,
  what: string,
  outer: AbortSignal | undefined,
): ReadDeadline {
  const controller = new AbortController();
  const onTimeout = (): void => {
    controller.abort(
      new AppError("media_timeout", { message: `${what}: not finished after ${timeoutMs} ms.` }),
    );
  };
  const timer = timeoutMs === null ? undefined : setTimeout(onTimeout, timeoutMs);
  const onAbort = (): void => controller.abort(outer?.reason);
  if (outer?.aborted === true) {
    onAbort();
  } else {
    outer?.addEventListener("abort", onAbort, { once: true });
  }
  return {
    signal: controller.signal,
    end(): void {
      clearTimeout(timer);
      outer?.removeEventListener("abort", onAbort);
    },
  };
}
