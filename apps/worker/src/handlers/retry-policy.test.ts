import { AppError, ERRORS } from "@reelgate/shared/errors";
import type { ErrorCode } from "@reelgate/shared/errors";
import { describe, expect, it } from "vitest";
import { decideRetry } from "./retry-policy.ts";

const limits = { maxAttempts: 12, notFoundGraceMs: 600_000 };
const decide = (code: ErrorCode, attempts = 1, ageMs = 0, retryAfterMs = 0, random = 0.999) =>
  decideRetry(limits, { error: new AppError(code, { retryAfterMs }), attempts, ageMs, random });
const delayOf = (decision: ReturnType<typeof decide>): number =>
  decision.kind === "retry" ? decision.delayMs : -1;

describe("the retry policy", () => {
  it.each([
    "media_url_forbidden",
    "media_address_forbidden",
    "media_forbidden",
    "media_not_media",
    "media_http_error",
    "media_playlist_invalid",
  ] as const)("makes %s final at once", (code) => {
    expect(decide(code)).toEqual({ kind: "final" });
  });

  it.each([
    "media_timeout",
    "media_rate_limited",
    "media_origin_error",
    "media_connection_failed",
    "media_dns_failed",
    "internal",
  ] as const)("tries %s again, further and further apart, up to the last attempt", (code) => {
    const delays = Array.from({ length: 11 }, (_, index) => delayOf(decide(code, index + 1)));
    expect(delays).toEqual(delays.toSorted((a, b) => a - b));
    expect(delays[0]).toBeGreaterThanOrEqual(1000);
    expect(delays.at(-1)).toBeLessThanOrEqual(600_000);
    expect(decide(code, 12)).toEqual({ kind: "final" });
  });

  it("waits for a missing file by the clock, looking at least once a minute", () => {
    expect(delayOf(decide("media_not_found", 500, 599_999))).toBeGreaterThan(0);
    expect(delayOf(decide("media_not_found", 500, 599_999))).toBeLessThanOrEqual(60_000);
    expect(decide("media_not_found", 1, 600_000)).toEqual({ kind: "final" });
  });

  it("never comes back sooner than the origin asked", () => {
    expect(delayOf(decide("media_rate_limited", 1, 0, 90_000, 0))).toBe(90_000);
  });

  it("spreads recordings that failed together", () => {
    expect(delayOf(decide("media_timeout", 5, 0, 0, 0))).toBeLessThan(
      delayOf(decide("media_timeout", 5, 0, 0, 0.9)),
    );
  });

  it("has an answer for every error there is", () => {
    for (const code of Object.keys(ERRORS) as ErrorCode[]) {
      expect(decide(code).kind).toBe(ERRORS[code].retryable ? "retry" : "final");
    }
  });
});
