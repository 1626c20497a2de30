import { z } from "zod";
import { AppError } from "@reelgate/shared/errors";
import { utcMicroseconds } from "@reelgate/shared/utc-time";

/** Page size when none is asked for, and the largest that may be. */
const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 200;

const MAX_TEXT_CHARS = 512;

/** Postgres stores no NUL in text, so nothing can equal one. */
export const queryText: z.ZodType<string> = z
  .string()
  .max(MAX_TEXT_CHARS, `is longer than ${MAX_TEXT_CHARS} characters`)
  .refine((value) => !value.includes("\0"), "has a NUL character");

/** A recording's id: what is none names no recording. */
export const queryId: z.ZodType<string> = z
  .string()
  .refine((value) => /^\d{1,19}$/u.test(value), "is not the id of a recording")
  .meta({ type: "string", pattern: "^[0-9]{1,19}$" });

/** A whole number within bounds; `otherwise` when none is given. */
export function queryInteger(bounds: {
  min: number;
  max: number;
  otherwise: number;
}): z.ZodType<number> {
  const { min, max, otherwise } = bounds;
  const problem = `is not a whole number from ${min} to ${max}`;
  return z
    .string()
    .default(String(otherwise))
    .refine((value) => /^\d{1,9}$/u.test(value), problem)
    .transform(Number)
    .refine((value) => value >= min && value <= max, problem)
    .meta({ type: "integer", minimum: min, maximum: max });
}

export const queryLimit: z.ZodType<number> = queryInteger({
  min: 1,
  max: MAX_LIMIT,
  otherwise: DEFAULT_LIMIT,
}).describe("Most items of a page.");

/** Opaque: the list that made it checks it. */
export const queryCursor: z.ZodType<string | null> = z
  .string()
  .max(MAX_TEXT_CHARS, "is not one that this list gave")
  .nullable()
  .default(null)
  .describe("`nextCursor` of the page before; opaque.");

export const queryChoice = <const T extends string>(values: readonly T[]): z.ZodType<T> =>
  z.enum(values, `is none of ${values.join(", ")}`);

/** ISO 8601 with `Z` or an offset, as UTC with microseconds: what the catalogue stores and compares. */
export const queryTime: z.ZodType<string> = z
  .string()
  .transform((value, context) => {
    const utc = utcMicroseconds(value);
    if (utc !== null) return utc;
    context.addIssue({
      code: "custom",
      message:
        "is not an ISO 8601 time with Z or an offset, such as 2026-01-31T12:00:00Z (a + is written %2B)",
    });
    return z.NEVER;
  })
  .meta({ type: "string", format: "date-time" });

const MAX_NAMED_PARAMETERS = 5;

/**
 * Reads the query of a request. Every problem is reported at once: a mistyped filter that is ignored shows rows that
 * were not asked for, so a parameter that is unknown, or given twice, is refused too. An empty value is no value.
 *
 * @throws AppError `invalid_query` naming each parameter and what is wrong with it.
 */
export function parseQuery<T>(schema: z.ZodObject & z.ZodType<T>, search: URLSearchParams): T {
  const known = Object.keys(schema.shape);
  const problems: string[] = [];
  const given = new Map<string, string>();
  for (const [name, value] of search) {
    if (!known.includes(name)) problems.push(`${shown(name)} is not a parameter here`);
    else if (given.has(name)) problems.push(`${name} is given more than once`);
    given.set(name, value);
  }
  const values = Object.fromEntries(
    known.flatMap((name) => {
      const value = given.get(name);
      return value === undefined || value === "" ? [] : [[name, value]];
    }),
  );
  const parsed = schema.safeParse(values);
  for (const issue of parsed.error?.issues ?? []) {
    problems.push(`${issue.path.join(".")} ${issue.message}`);
  }
  if (parsed.success && problems.length === 0) return parsed.data;
  const distinct = [...new Set(problems)];
  const more = distinct.length - MAX_NAMED_PARAMETERS;
  throw new AppError("invalid_query", {
    message: `${distinct.slice(0, MAX_NAMED_PARAMETERS).join("; ")}${more > 0 ? `; and ${more} more` : ""}. Parameters: ${known.length === 0 ? "none" : known.join(", ")}.`,
  });
}

/** A name from outside, quoted and bounded. */
function shown(name: string): string {
  return JSON.stringify(name.length > 64 ? `${name.slice(0, 64)}…` : name);
}
