import type { ErrorCode } from "@reelgate/shared/errors";

/** Why a callback is not taken; the codes are those of the error registry. */
export const REFUSALS = [
  "malformed_json",
  "not_an_object",
  "missing_signature",
  "bad_signature",
  "expired",
  "too_large",
  "not_found",
  "method_not_allowed",
  "rate_limited",
  "overloaded",
  "queue_unavailable",
  "internal",
] as const;
export type Refusal = Extract<ErrorCode, (typeof REFUSALS)[number]>;

/** What became of one delivery. `detail` is for logs: it says more than the code and repeats nothing of the body. */
export type Outcome =
  | { kind: "accepted"; jobId: string; keyIndex: number | null }
  | { kind: Exclude<Refusal, "rate_limited">; detail: string | null }
  | { kind: "rate_limited"; detail: string | null; retryAfterS: number };

export type OutcomeKind = Outcome["kind"];

/** The HTTP side of an outcome. */
export interface Answer {
  status: number;
  body: string;
  /** Whole seconds after which the same callback may be taken; null when it will not be. */
  retryAfterS: number | null;
}

/**
 * Answers of each kind, for every path of the public port. Only 200 ends the provider's retries, so 200 stands for
 * nothing but a callback that is on disk.
 */
export function answerTo(kind: OutcomeKind): Answer {
  switch (kind) {
    case "accepted":
      return { status: 200, body: '{"code":0}', retryAfterS: null };
    case "malformed_json":
    case "not_an_object":
    case "missing_signature":
      return refusal(400, kind);
    case "bad_signature":
    case "expired":
      return refusal(401, kind);
    case "not_found":
      return refusal(404, kind);
    case "method_not_allowed":
      return refusal(405, kind);
    case "too_large":
      return refusal(413, kind);
    case "internal":
      return refusal(500, kind);
    case "rate_limited":
      return refusal(429, kind, 1);
    case "overloaded":
      return refusal(503, kind, 1);
    case "queue_unavailable":
      return refusal(503, kind, 5);
    default: {
      const unreachable: never = kind;
      throw new Error(`no answer to ${String(unreachable)}`);
    }
  }
}

function refusal(status: number, error: Refusal, retryAfterS: number | null = null): Answer {
  return { status, body: JSON.stringify({ code: status, error }), retryAfterS };
}
