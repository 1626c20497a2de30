/** A parsed `Content-Range` of one byte range (RFC 9110, 14.4). Positions are inclusive. */
export type ContentRange =
  | { kind: "range"; start: number; end: number; totalSizeBytes: number | null }
  | { kind: "unsatisfied"; totalSizeBytes: number };

const CONTENT_RANGE = /^bytes +(?:(\d{1,16})-(\d{1,16})|(\*))\/(?:(\d{1,16})|(\*))$/i;

/** Parses a `Content-Range` value; null when it is malformed or contradicts itself. */
export function parseContentRange(value: string): ContentRange | null {
  const match = CONTENT_RANGE.exec(value.trim());
  if (match === null) {
    return null;
  }
  const total = match[4] === undefined ? null : Number(match[4]);
  if (total !== null && !Number.isSafeInteger(total)) {
    return null;
  }
  if (match[3] !== undefined) {
    return total === null ? null : { kind: "unsatisfied", totalSizeBytes: total };
  }
  const start = Number(match[1]);
  const end = Number(match[2]);
  if (!Number.isSafeInteger(end) || start > end || (total !== null && end >= total)) {
    return null;
  }
  return { kind: "range", start, end, totalSizeBytes: total };
}
