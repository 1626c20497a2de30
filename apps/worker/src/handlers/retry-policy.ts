import type { AppError } from "@reelgate/shared/errors";

export interface RetryLimits {
  /** Attempts in all before the failure is final. */
  maxAttempts: number;
  /** How long after the callback a missing file is waited for, in milliseconds. */
  notFoundGraceMs: number;
}

export type RetryDecision = { kind: "retry"; delayMs: number } | { kind: "final" };

interface FailedAttempt {
  error: Pick<AppError, "code" | "retryable" | "retryAfterMs">;
  /** Attempts made, this one included. */
  attempts: number;
  /** Time since the callback came, in milliseconds. */
  ageMs: number;
  /** From 0 up to 1. */
  random: number;
}

const BASE_DELAY_MS = 2000;
const MAX_DELAY_MS = 600_000;
/** What is being moved into place appears within minutes: it is looked for often enough to be seen soon. */
const MAX_NOT_FOUND_DELAY_MS = 60_000;

/**
 * Whether and when a recording whose file could not be verified is looked at again.
 *
 * What cannot heal is final at once. A missing file, or a missing part of one, is waited for as long as the grace lasts,
 * by the clock and not by counting. Everything else that may heal is tried `maxAttempts` times, exponentially further apart and never sooner
 * than the origin asked for. Half of each delay is random, so that recordings that failed together do not return
 * together.
 */
export function decideRetry(limits: RetryLimits, attempt: FailedAttempt): RetryDecision {
  const { error } = attempt;
  if (!error.retryable) return { kind: "final" };
  const exponentialMs = BASE_DELAY_MS * 2 ** Math.min(attempt.attempts - 1, 20);
  if (error.code === "media_not_found" || error.code === "media_incomplete") {
    if (attempt.ageMs >= limits.notFoundGraceMs) return { kind: "final" };
    return {
      kind: "retry",
      delayMs: jittered(Math.min(exponentialMs, MAX_NOT_FOUND_DELAY_MS), attempt.random),
    };
  }
  if (attempt.attempts >= limits.maxAttempts) return { kind: "final" };
  const backoffMs = jittered(Math.min(exponentialMs, MAX_DELAY_MS), attempt.random);
  return { kind: "retry", delayMs: Math.max(backoffMs, error.retryAfterMs ?? 0) };
}

function jittered(delayMs: number, random: number): number {
  return Math.round(delayMs * (0.5 + random / 2));
}
