import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { AppError } from "@reelgate/shared/errors";
import { parseQuery, queryChoice, queryCursor, queryLimit, queryText, queryTime } from "./query.ts";

const schema = z.object({
  name: queryText.optional(),
  kind: queryChoice(["a", "b"]).optional(),
  from: queryTime.optional(),
  limit: queryLimit,
  cursor: queryCursor,
});
const parse = (query: string): unknown => parseQuery(schema, new URLSearchParams(query));

describe("reading a query", () => {
  test("fills in what is not given; an empty value is not given", () => {
    expect(parse("")).toEqual({ limit: 50, cursor: null });
    expect(parse("name=&limit=&cursor=&kind=")).toEqual({ limit: 50, cursor: null });
  });

  test.each([
    ["2026-01-31T12:00:00Z", "2026-01-31T12:00:00.000000Z"],
    ["2026-01-31T12:00:00.1Z", "2026-01-31T12:00:00.100000Z"],
    ["2026-01-31T12:00:00.123456789Z", "2026-01-31T12:00:00.123456Z"],
    ["2026-01-31T23:30:00-01:30", "2026-02-01T01:00:00.000000Z"],
    ["2026-01-31T23:30:00.000001+23:59", "2026-01-30T23:31:00.000001Z"],
    ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000Z"],
    ["9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"],
  ])("the time %s is %s", (given, utc) => {
    expect(parse(`from=${encodeURIComponent(given)}`)).toMatchObject({ from: utc });
  });

  test.each([
    "0001-01-01T00:00:00+01:00",
    "9999-12-31T23:59:59-00:01",
    "0000-06-01T00:00:00Z",
    "2026-01-31",
    "2026-01-31 12:00:00Z",
    "2026-01-31T12:00:00",
    "2026-01-31T24:00:00Z",
    "2026-01-31T12:00:00+24:00",
    "infinity",
    "now",
    "1700000000",
  ])("the time %s is refused", (given) => {
    expect(() => parse(`from=${encodeURIComponent(given)}`)).toThrow(
      "from is not an ISO 8601 time",
    );
  });

  test("names every problem at once", () => {
    expect(() => parse("limit=0&kind=c&nme=x")).toThrow(
      /"nme" is not a parameter here; kind is none of a, b; limit is not a whole number from 1 to 200\. Parameters: name, kind, from, limit, cursor\./u,
    );
  });

  test("keeps the message short, whatever was sent", () => {
    const query = Array.from({ length: 1000 }, (_, n) => `${n}${"x".repeat(500)}=1`).join("&");
    expect(() => parse(query)).toThrow(/ and \d+ more\./u);
    expect(() => parse(query)).not.toThrow("x".repeat(100));
  });

  test("any query is read or refused as invalid_query", () => {
    const names = fc.oneof(fc.constantFrom("name", "kind", "from", "limit", "cursor"), fc.string());
    const values = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
      fc.integer().map(String),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(names, values), { maxLength: 8 }), (pairs) => {
        const read = readOrRefuse(new URLSearchParams(pairs));
        expect(read).toSatisfy(
          (result: typeof read) =>
            (result instanceof AppError && result.code === "invalid_query") ||
            ("limit" in result &&
              result.limit >= 1 &&
              result.limit <= 200 &&
              !(result.name ?? "").includes("\0")),
        );
      }),
    );
  });
});

function readOrRefuse(search: URLSearchParams): z.output<typeof schema> | AppError {
  try {
    return parseQuery(schema, search);
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
}
