import { z } from "zod";
import { AppError } from "@reelgate/shared/errors";

/** Which page of a list: at most `limit` rows after `cursor`, which is null for the first page. */
export interface PageRequest {
  limit: number;
  cursor: string | null;
}

/**
 * Cursors are opaque to the caller: the sort key of the last row, as base64url JSON. They carry no filter; a cursor
 * used with another filter gives that filter's rows from the same place on.
 */
export function encodeCursor(key: readonly string[]): string {
  return Buffer.from(JSON.stringify(key)).toString("base64url");
}

/** @throws AppError `invalid_query` for anything that {@link encodeCursor} did not make for such a key. */
export function decodeCursor<T>(cursor: string, key: z.ZodType<T>): T {
  try {
    return key.parse(JSON.parse(Buffer.from(cursor, "base64url").toString("utf8")));
  } catch (error) {
    throw new AppError("invalid_query", {
      message: "`cursor` is not one that this list gave.",
      cause: error,
    });
  }
}

/** A bigint of Postgres as text. */
export const rowId: z.ZodType<string> = z
  .string()
  .refine((digits) => /^\d{1,19}$/u.test(digits) && BigInt(digits) <= 9_223_372_036_854_775_807n);

/**
 * Cuts a page from rows that were read with one more than the limit: that one tells whether there is a next page.
 */
export function pageOf<Row, Item>(
  rows: readonly Row[],
  limit: number,
  toItem: (row: Row) => Item,
  keyOf: (row: Row) => readonly string[],
): { items: Item[]; nextCursor: string | null } {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return {
    items: shown.map(toItem),
    nextCursor: rows.length > limit && last !== undefined ? encodeCursor(keyOf(last)) : null,
  };
}
