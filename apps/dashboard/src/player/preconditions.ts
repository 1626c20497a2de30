import type { IncomingHttpHeaders } from "node:http";

/**
 * Whether a request is for this version of a file, by `If-Match` or, without it, `If-Unmodified-Since` (RFC 9110,
 * 13.2.2); without either it is. What is no date is not looked at, as the RFC demands.
 */
export function isWantedVersion(
  headers: Pick<IncomingHttpHeaders, "if-match" | "if-unmodified-since">,
  version: { etag: string; modifiedAt: Date },
): boolean {
  const ifMatch = headers["if-match"];
  if (ifMatch !== undefined) {
    // A weak tag, W/"…", does not say that the bytes are the same: whole tags are compared.
    const tags = new Set(ifMatch.match(/(?:W\/)?"[^"]*"/gu));
    return ifMatch.trim() === "*" || tags.has(version.etag);
  }
  const since = Date.parse(headers["if-unmodified-since"] ?? "");
  // Dates of HTTP have no parts of a second.
  return Number.isNaN(since) || Math.floor(version.modifiedAt.getTime() / 1000) * 1000 <= since;
}
