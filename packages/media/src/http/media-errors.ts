import { AppError, type ErrorCode } from "@reelgate/shared/errors";

/** The longest wait that an origin can ask for and get. */
const MAX_RETRY_AFTER_MS = 3_600_000;

const FAILURE_CODES: Readonly<Record<string, ErrorCode>> = {
  UND_ERR_CONNECT_TIMEOUT: "media_timeout",
  UND_ERR_HEADERS_TIMEOUT: "media_timeout",
  UND_ERR_BODY_TIMEOUT: "media_timeout",
  ETIMEDOUT: "media_timeout",
  UND_ERR_HEADERS_OVERFLOW: "media_bad_response",
  UND_ERR_RESPONSE: "media_bad_response",
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: "media_bad_response",
  ENOTFOUND: "media_dns_failed",
  ENODATA: "media_dns_failed",
  ESERVFAIL: "media_dns_failed",
};

/**
 * The error to throw for whatever a request or a body failed with: the reason of the signal when that ended it, else
 * the registry's error. Errors without a code are defects of this program and are returned as they are.
 *
 * @param where The URL as `describeUrl` gives it.
 */
export function toMediaError(failure: unknown, where: string, signal: AbortSignal): Error {
  const thrown: unknown = signal.aborted ? signal.reason : failure;
  const error = thrown instanceof Error ? thrown : new Error("aborted", { cause: thrown });
  const code = errorCode(error);
  if (
    signal.aborted ||
    error instanceof AppError ||
    code === null ||
    code === "UND_ERR_INVALID_ARG"
  ) {
    return error;
  }
  const mapped =
    FAILURE_CODES[code] ??
    (code.startsWith("EAI_")
      ? "media_dns_failed"
      : code.startsWith("HPE_")
        ? "media_bad_response"
        : "media_connection_failed");
  return new AppError(mapped, {
    message: `${where}: ${FAILURE_TEXTS[mapped]} (${code})`,
    cause: error,
  });
}

const FAILURE_TEXTS: Readonly<Partial<Record<ErrorCode, string>>> = {
  media_timeout: "the origin was too slow",
  media_bad_response: "the origin's answer is not sound HTTP",
  media_dns_failed: "the host name could not be resolved",
  media_connection_failed: "the connection failed",
};

/**
 * The registry's error for an HTTP status that brings no file. Never called for a 200, a 206, a 416 or a redirect that
 * is followed.
 *
 * @param retryAfter The `Retry-After` header, or null.
 */
export function statusError(
  status: number,
  retryAfter: string | null,
  where: string,
  nowMs: number,
): AppError {
  const waitMs = retryAfter === null ? null : parseRetryAfter(retryAfter, nowMs);
  const code = statusCode(status, waitMs !== null);
  return new AppError(code, {
    message: `${where}: the origin answered ${status}.`,
    ...(waitMs === null ? {} : { retryAfterMs: waitMs }),
  });
}

function statusCode(status: number, hasRetryAfter: boolean): ErrorCode {
  switch (status) {
    case 404:
    case 410:
      return "media_not_found";
    case 401:
    case 403:
      return "media_forbidden";
    case 408:
      return "media_timeout";
    case 429:
      return "media_rate_limited";
    default:
      break;
  }
  if (status === 503 && hasRetryAfter) {
    return "media_rate_limited";
  }
  if (status >= 500 && status <= 599) {
    return "media_origin_error";
  }
  return status >= 400 ? "media_http_error" : "media_bad_response";
}

/**
 * Milliseconds to wait, from a `Retry-After` of seconds or of an HTTP date (RFC 9110, 10.2.3): 0 to one hour. Null
 * when the value is neither.
 */
export function parseRetryAfter(value: string, nowMs: number): number | null {
  const text = value.trim();
  if (/^\d+$/.test(text)) {
    return Math.min(Number(text) * 1000, MAX_RETRY_AFTER_MS);
  }
  // Date.parse takes much that is no HTTP date ("5.5", "-1"); all three forms of RFC 9110 begin with a day's name.
  const atMs = /^[A-Z][a-z]{2}/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(atMs) ? null : Math.min(Math.max(atMs - nowMs, 0), MAX_RETRY_AFTER_MS);
}

function errorCode(error: Error): string | null {
  return "code" in error && typeof error.code === "string" ? error.code : null;
}
