/**
 * Text of foreign origin for a text column: Postgres refuses U+0000 and lone surrogates, which become U+FFFD, and an
 * index refuses a row beyond 2,704 bytes.
 */
export function storable(text: string, maxChars: number): string {
  return text.slice(0, maxChars).toWellFormed().replaceAll("\0", "\ufffd");
}

/** Longest text of a callback's circumstances: four bytes a character fit an index row. */
export const MAX_LABEL_CHARS = 512;
