import { setTimeout } from "node:timers/promises";
import { AppError, type ErrorCode } from "@reelgate/shared/errors";

/** A wait that the origin asks for is kept within a download up to here; a longer one is the caller's to schedule. */
const MAX_RETRY_AFTER_MS = 30_000;
const FIRST_DELAY_MS = 200;

/** What the same request may not meet again a moment later. */
const HEALABLE: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "media_timeout",
  "media_connection_failed",
  "media_dns_failed",
  "media_bad_response",
  "media_origin_error",
  "media_rate_limited",
]);

/**
 * Waits for as long as is due after a failure: what the origin asked for, else 0.2 s, doubled with each failure in a
 * row, with jitter (so that many downloads of one origin do not come back at once).
 *
 * @param failures In a row, this one included.
 * @throws the failure itself when trying again is of no use: it is not healable, there were more than `maxFailures`, or
 *   the wait is too long; the reason of the signal when that aborts.
 */
export async function waitAfterFailure(
  failure: unknown,
  failures: number,
  maxFailures: number,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  if (!(failure instanceof AppError) || !HEALABLE.has(failure.code) || failures > maxFailures) {
    throw failure;
  }
  const askedMs = failure.code === "media_rate_limited" ? failure.retryAfterMs : null;
  if (askedMs !== null && askedMs > MAX_RETRY_AFTER_MS) {
    throw failure;
  }
  const backoffMs = FIRST_DELAY_MS * 2 ** (failures - 1) * (0.5 + Math.random());
  await setTimeout(Math.max(backoffMs, askedMs ?? 0), undefined, { signal }).catch(() => {});
  signal.throwIfAborted();
}
