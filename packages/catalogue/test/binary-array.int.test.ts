import fc from "fast-check";
import { sql } from "kysely";
import { afterAll, beforeAll, expect, test } from "vitest";
import { byteaArray, textArray } from "../src/binary-array.ts";
import { openTestCatalogue } from "./test-catalogue.ts";
import type { TestCatalogue } from "./test-catalogue.ts";

let db: TestCatalogue;

beforeAll(async () => {
  db = await openTestCatalogue();
});
afterAll(() => db[Symbol.asyncDispose]());

test("fast-check: texts and nulls arrive as they are", async () => {
  const texts = fc.array(
    fc.option(fc.string({ unit: "binary" }).map((text) => text.replaceAll("\u0000", ""))),
  );
  await fc.assert(
    fc.asyncProperty(texts, async (given) => {
      const { rows } = await sql<{ it: unknown }>`select ${textArray(given)}::text[] as it`.execute(
        db,
      );
      expect(rows[0]?.it).toEqual(given);
    }),
  );
});

test("fast-check: bytes arrive as they are", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array()), async (given) => {
      const { rows } = await sql<{
        it: Buffer[];
      }>`select ${byteaArray(given)}::bytea[] as it`.execute(db);
      expect(rows[0]?.it.map((bytes) => [...bytes])).toEqual(given.map((bytes) => [...bytes]));
    }),
  );
});

test.each(["\u0000", "a\u0000b"])(
  "Postgres refuses %j, as in any other parameter",
  async (text) => {
    await expect(sql`select ${textArray([text])}::text[]`.execute(db)).rejects.toMatchObject({
      code: "22021",
    });
    await expect(sql`select ${text}::text`.execute(db)).rejects.toMatchObject({ code: "22021" });
  },
);
