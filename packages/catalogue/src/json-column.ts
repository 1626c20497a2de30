/**
 * A value for a jsonb column: pg would turn a JavaScript array into a Postgres array. jsonb refuses U+0000 and lone
 * surrogates, which findings and problems may quote from hostile input: they become U+FFFD.
 */
export function json(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) =>
    typeof item === "string" ? item.toWellFormed().replaceAll("\0", "\ufffd") : item,
  );
}
