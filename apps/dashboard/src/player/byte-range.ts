import type { ByteSpan } from "@reelgate/media/storage/stored-copies";

/** Which part of a file a request is for. */
export type RangeRequest =
  | { kind: "whole" }
  | ({ kind: "part" } & ByteSpan)
  | { kind: "unsatisfiable" };

const ONE_RANGE = /^bytes=[ \t]*(?:(\d+)-(\d*)|-(\d+))[ \t]*$/iu;

/**
 * Reads a `Range` header (RFC 9110, 14.2). Several ranges in one request, another unit and what is malformed are not
 * looked at, as the RFC allows or demands: then the whole file is the answer.
 */
export function rangeOf(header: string | undefined, sizeBytes: number): RangeRequest {
  const match = header === undefined ? null : ONE_RANGE.exec(header);
  if (match === null) return { kind: "whole" };
  const [, first = "", last = "", suffix] = match;
  const span =
    suffix === undefined
      ? {
          first: Number(first),
          last: last === "" ? sizeBytes - 1 : Math.min(Number(last), sizeBytes - 1),
        }
      : { first: Math.max(0, sizeBytes - Number(suffix)), last: sizeBytes - 1 };
  if (last !== "" && Number(last) < Number(first)) return { kind: "whole" };
  return span.first >= sizeBytes ? { kind: "unsatisfiable" } : { kind: "part", ...span };
}

/** Whether the version that an `If-Range` header names is this one (RFC 9110, 13.1.5); without the header it is. */
export function isSameVersion(
  ifRange: string | undefined,
  version: { etag: string; modifiedAt: Date },
): boolean {
  if (ifRange === undefined) return true;
  // A weak ETag does not say that the bytes are the same.
  return ifRange.startsWith('"')
    ? ifRange === version.etag
    : ifRange === version.modifiedAt.toUTCString();
}
