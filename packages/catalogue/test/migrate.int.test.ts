import { expect, test } from "vitest";
import { sql } from "kysely";
import type { Kysely } from "kysely";
import { createTestDatabase } from "@reelgate/testkit/postgres";
import { createDatabase, dropDatabase } from "../src/admin.ts";
import { assertSchemaCurrent, migrateToLatest } from "../src/migrate.ts";
import * as initial from "../src/migrations/0001-initial.ts";
import * as operations from "../src/migrations/0002-operations.ts";
import { open } from "./settling.ts";

const ALL = ["0001-initial", "0002-operations"];

test("an empty database is brought up, once", async () => {
  await using database = await createTestDatabase({ migrated: false });
  await using db = open(database.url);
  await expect(assertSchemaCurrent(db)).rejects.toMatchObject({
    code: "schema_outdated",
    retryable: false,
    message:
      'The catalogue lacks the migrations 0001-initial, 0002-operations. Run the migrate step first (it runs by itself under "npm start").',
  });
  await expect(migrateToLatest(database.url)).resolves.toEqual(ALL);
  await expect(migrateToLatest(database.url)).resolves.toEqual([]);
  await expect(assertSchemaCurrent(db)).resolves.toBeUndefined();
});

test("any number of migrators at once apply each migration once", async () => {
  await using database = await createTestDatabase({ migrated: false });
  const applied = await Promise.all(Array.from({ length: 5 }, () => migrateToLatest(database.url)));
  expect(applied.flat()).toEqual(ALL);
});

test("a migration that fails leaves nothing, and can run again", async () => {
  await using database = await createTestDatabase({ migrated: false });
  await using db = open(database.url);
  await sql`create table callbacks (in_the_way integer)`.execute(db);
  await expect(migrateToLatest(database.url)).rejects.toMatchObject({
    code: "catalogue_unavailable",
  });
  const { rows } = await sql`select from pg_tables where tablename = 'recordings'`.execute(db);
  expect(rows).toHaveLength(0);
  await sql`drop table callbacks`.execute(db);
  await expect(migrateToLatest(database.url)).resolves.toEqual(ALL);
});

test("migrations can be taken back", async () => {
  await using database = await createTestDatabase();
  await using db = open(database.url);
  await operations.down(db as unknown as Kysely<unknown>);
  await initial.down(db as unknown as Kysely<unknown>);
  const { rows } = await sql`
    select tablename from pg_tables where schemaname = 'public' and tablename not like 'kysely%'`.execute(
    db,
  );
  expect(rows).toEqual([]);
});

test("all text that is compared has collation C", async () => {
  await using database = await createTestDatabase();
  await using db = open(database.url);
  const { rows } = await sql<{ indexed: string }>`
    select distinct a.attrelid::regclass || '.' || a.attname as indexed
    from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any(i.indkey::int2[])
    join pg_collation c on c.oid = a.attcollation
    where i.indrelid in ('recordings'::regclass, 'callbacks'::regclass, 'looks'::regclass) and c.collname <> 'C'`.execute(
    db,
  );
  expect(rows).toEqual([]);
});

test("a database is created once, whatever its name, and dropped with its connections", async () => {
  await using database = await createTestDatabase({ migrated: false });
  const name = `test "quoted" ${Date.now()}`;
  const url = new URL(database.url);
  url.pathname = `/${encodeURIComponent(name)}`;
  await createDatabase(database.url, name);
  await createDatabase(database.url, name);
  await using db = open(url.href);
  await sql`select 1`.execute(db);
  await dropDatabase(database.url, name);
  await dropDatabase(database.url, name);
  await expect(migrateToLatest(url.href)).rejects.toMatchObject({ code: "catalogue_refused" });
});
