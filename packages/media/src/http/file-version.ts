import { isByteCount, isRecord, isTextOrNull } from "../read-json.ts";
import type { MediaResponse } from "./media-response.ts";

/** What an origin says about one state of a file. Null: it does not say. */
export interface FileVersion {
  etag: string | null;
  lastModified: string | null;
  totalSizeBytes: number | null;
}

/** The version that an answer, or the prefix read from one, belongs to. */
export function versionOf(
  response: Pick<MediaResponse, "etag" | "lastModified" | "totalSizeBytes">,
): FileVersion {
  const { etag, lastModified, totalSizeBytes } = response;
  return { etag, lastModified, totalSizeBytes };
}

/** `"` any visible character or byte above ASCII `"` (RFC 9110, 8.8.3). A weak one begins with `W/`. */
const STRONG_ETAG = /^"[\x21\x23-\x7e\x80-\xff]*"$/;

/**
 * The value of `If-Range` that makes an origin send the whole file when it is no longer this version: a strong ETag,
 * else a Last-Modified; null when the origin gave neither (RFC 9110, 13.1.5). A weak ETag must not be used there, since
 * two files with equal weak ETags may differ in their bytes.
 */
export function ifRangeValidator(version: FileVersion): string | null {
  if (version.etag !== null && STRONG_ETAG.test(version.etag)) {
    return version.etag;
  }
  const { lastModified } = version;
  return lastModified !== null && isHttpDate(lastModified) ? lastModified : null;
}

/** False when the two contradict each other in anything that both say. */
export function isSameVersion(a: FileVersion, b: FileVersion): boolean {
  return (
    agree(a.etag, b.etag) &&
    agree(a.lastModified, b.lastModified) &&
    agree(a.totalSizeBytes, b.totalSizeBytes)
  );
}

/**
 * True when `answer` shows by a validator of its own that it is the version `known`. Stricter than `isSameVersion`: an
 * origin that ignores If-Range and names no version could send the bytes of any.
 */
export function provesVersion(known: FileVersion, answer: FileVersion): boolean {
  const validator = ifRangeValidator(known);
  return (
    validator !== null &&
    isSameVersion(known, answer) &&
    validator === (validator === known.etag ? answer.etag : answer.lastModified)
  );
}

/** Null for a value, read back from a file, that is none. */
export function parseFileVersion(value: unknown): FileVersion | null {
  if (!isRecord(value)) {
    return null;
  }
  const { etag, lastModified, totalSizeBytes } = value;
  return isTextOrNull(etag) &&
    isTextOrNull(lastModified) &&
    (totalSizeBytes === null || isByteCount(totalSizeBytes))
    ? { etag, lastModified, totalSizeBytes }
    : null;
}

function agree<T>(a: T | null, b: T | null): boolean {
  return a === null || b === null || a === b;
}

/** All three forms of RFC 9110 (5.6.7) begin with the name of a day; Date.parse alone takes much that is no date. */
function isHttpDate(text: string): boolean {
  return /^[A-Z][a-z]{2}[a-z]{0,6},? [\x20-\x7e]+$/.test(text) && !Number.isNaN(Date.parse(text));
}
