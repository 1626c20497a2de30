import type { ErrorCode } from "@reelgate/shared/errors";

/** Why a callback is not taken; the codes are those of the error registry. */
export type Refusal = Extract<
  ErrorCode,
  | "malformed_json"
  | "not_an_object"
  | "missing_signature"
  | "bad_signature"
  | "expired"
  | "too_large"
  | "not_found"
  | "method_not_allowed"
  | "overloaded"
  | "queue_unavailable"
  | "internal"
>;

/** Every one of them. */
export const REFUSALS: readonly Refusal[] = Object.keys({
  malformed_json: true,
  not_an_object: true,
  missing_signature: true,
  bad_signature: true,
  expired: true,
  too_large: true,
  not_found: true,
  method_not_allowed: true,
  overloaded: true,
  queue_unavailable: true,
  internal: true,
} satisfies Record<Refusal, true>) as Refusal[];

/** What became of one delivery. `detail` is for logs: it says more than the code and repeats nothing of the body. */
export type Outcome =
  | { kind: "accepted"; jobId: string; keyIndex: number | null }
  | { kind: Refusal; detail: string | null };

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
