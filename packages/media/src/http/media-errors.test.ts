import { describe, expect, test } from "vitest";
import { parseRetryAfter, statusError, toMediaError } from "./media-errors.ts";

const NOW_MS = Date.parse("2026-01-01T00:00:00Z");

describe("Retry-After", () => {
  test.each([
    ["0", 0],
    ["7", 7000],
    [" 120 ", 120_000],
    ["99999", 3_600_000],
    ["9".repeat(400), 3_600_000],
    ["Thu, 01 Jan 2026 00:00:30 GMT", 30_000],
    ["Thursday, 01-Jan-26 00:00:30 GMT", 30_000],
    ["Wed, 31 Dec 2025 23:00:00 GMT", 0],
    ["Fri, 01 Jan 2027 00:00:00 GMT", 3_600_000],
    ["-5", null],
    ["1.5", null],
    ["soon", null],
    ["", null],
  ])("%j is %s ms", (value, expected) => {
    expect(parseRetryAfter(value, NOW_MS)).toBe(expected);
  });
});

describe("a status without a file", () => {
  test.each([
    [404, null, "media_not_found"],
    [410, null, "media_not_found"],
    [401, null, "media_forbidden"],
    [403, null, "media_forbidden"],
    [408, null, "media_timeout"],
    [429, null, "media_rate_limited"],
    [429, "3", "media_rate_limited"],
    [503, "3", "media_rate_limited"],
    [503, null, "media_origin_error"],
    [503, "soon", "media_origin_error"],
    [500, "3", "media_origin_error"],
    [502, null, "media_origin_error"],
    [599, null, "media_origin_error"],
    [400, null, "media_http_error"],
    [405, null, "media_http_error"],
    [451, null, "media_http_error"],
    [204, null, "media_bad_response"],
    [304, null, "media_bad_response"],
    [600, null, "media_http_error"],
  ])("%i with Retry-After %s is %s", (status, retryAfter, code) => {
    expect(statusError(status, retryAfter, "http://a.example/x", NOW_MS).code).toBe(code);
  });

  test("the wait is handed on", () => {
    expect(statusError(429, "3", "http://a.example/x", NOW_MS).retryAfterMs).toBe(3000);
    expect(statusError(429, null, "http://a.example/x", NOW_MS).retryAfterMs).toBeNull();
  });
});

describe("a failed request", () => {
  const going = new AbortController().signal;
  test.each([
    ["UND_ERR_CONNECT_TIMEOUT", "media_timeout"],
    ["UND_ERR_HEADERS_TIMEOUT", "media_timeout"],
    ["UND_ERR_BODY_TIMEOUT", "media_timeout"],
    ["ETIMEDOUT", "media_timeout"],
    ["ECONNREFUSED", "media_connection_failed"],
    ["ECONNRESET", "media_connection_failed"],
    ["UND_ERR_SOCKET", "media_connection_failed"],
    ["UND_ERR_DESTROYED", "media_connection_failed"],
    ["CERT_HAS_EXPIRED", "media_connection_failed"],
    ["ENOTFOUND", "media_dns_failed"],
    ["EAI_AGAIN", "media_dns_failed"],
    ["HPE_INVALID_CONSTANT", "media_bad_response"],
    ["UND_ERR_HEADERS_OVERFLOW", "media_bad_response"],
  ])("%s is %s", (code, expected) => {
    const failure = Object.assign(new Error("x"), { code });
    expect(toMediaError(failure, "http://a.example/x", going)).toMatchObject({
      code: expected,
      cause: failure,
    });
  });

  test("a defect of this program stays what it is", () => {
    const defect = new TypeError("x is not a function");
    expect(toMediaError(defect, "http://a.example/x", going)).toBe(defect);
  });

  test("an aborted signal's reason comes first, whatever it is", () => {
    const reason = Object.assign(new Error("shutdown"), { code: "ECONNRESET" });
    expect(toMediaError(new Error("x"), "", AbortSignal.abort(reason))).toBe(reason);
    expect(toMediaError(new Error("x"), "", AbortSignal.abort("why"))).toMatchObject({
      cause: "why",
    });
  });
});
