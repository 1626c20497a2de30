import { expect, test } from "vitest";
import { sql } from "kysely";
import type { Kysely } from "kysely";
import { createTestDatabase } from "@reelgate/testkit/postgres";
import type { CatalogueDatabase } from "../src/database.ts";
import { createDatabase, dropDatabase } from "../src/admin.ts";
import { assertSchemaCurrent, migrateToLatest } from "../src/migrate.ts";
import * as initial from "../src/migrations/0001-initial.ts";
import * as operations from "../src/migrations/0002-operations.ts";
import * as callbacksByTime from "../src/migrations/0003-callbacks-by-time.ts";
import * as recordingsByVerdict from "../src/migrations/0004-recordings-by-verdict.ts";
import * as pendingById from "../src/migrations/0005-pending-by-id.ts";
import * as recordingsOfIds from "../src/migrations/0006-recordings-of-ids.ts";
import { open } from "./settling.ts";

const ALL = [
  "0001-initial",
  "0002-operations",
  "0003-callbacks-by-time",
  "0004-recordings-by-verdict",
  "0005-pending-by-id",
  "0006-recordings-of-ids",
];

test("an empty database is brought up, once", async () => {
  await using database = await createTestDatabase({ migrated: false });
  await using db = open(database.url);
  await expect(assertSchemaCurrent(db)).rejects.toMatchObject({
    code: "schema_outdated",
    retryable: false,
    message:
      'The catalogue lacks the migrations 0001-initial, 0002-operations, 0003-callbacks-by-time, 0004-recordings-by-verdict, 0005-pending-by-id, 0006-recordings-of-ids. Run the migrate step first (it runs by itself under "npm start").',
  });
  await expect(migrateToLatest(database.url)).resolves.toEqual(ALL);
  await expect(migrateToLatest(database.url)).resolves.toEqual([]);
  await expect(assertSchemaCurrent(db)).resolves.toBeUndefined();
});

test("any number of migrators at once apply each migration once", async () => {
  await using database = await createTestDatabase({ migrated: false });
  const applied = await Promise.all(Array.from({ length: 5 }, () => migrateToLatest(database.url)));
  expect(applied.flat().toSorted()).toEqual(ALL);
});

test("a version runs on the schema of a newer one, and leaves it as it is", async () => {
  await using database = await createTestDatabase();
  await using db = open(database.url);
  await sql`insert into kysely_migration (name, timestamp) values
    ('9998-later', '2099-01-01T00:00:00.000Z'), ('9999-latest', '2099-01-01T00:00:01.000Z')`.execute(
    db,
  );
  const newer: string[] = [];
  await expect(migrateToLatest(database.url, (names) => newer.push(...names))).resolves.toEqual([]);
  expect(newer).toEqual(["9998-later", "9999-latest"]);
  await expect(assertSchemaCurrent(db)).resolves.toBeUndefined();
});

test.each([
  {
    what: "lacks one of ours",
    change: sql`update kysely_migration set name = '9999-latest' where name = '0002-operations'`,
  },
  {
    what: "has one between ours",
    change: sql`insert into kysely_migration (name, timestamp) values ('0002-other', '2099-01-01T00:00:00.000Z')`,
  },
])("a schema that $what is none of a newer version", async ({ change }) => {
  await using database = await createTestDatabase();
  await using db = open(database.url);
  await change.execute(db);
  await expect(migrateToLatest(database.url)).rejects.toMatchObject({
    code: "catalogue_unavailable",
    cause: { message: expect.stringContaining("corrupted migrations") as string },
  });
});

test("a table that is in use is waited for in turns, and nobody queues behind the migration for long", async () => {
  await using database = await createTestDatabase({ migrated: false });
  await using db = open(database.url);
  await migrateToLatest(database.url);
  await recordingsOfIds.down(db as unknown as Kysely<unknown>);
  await pendingById.down(db as unknown as Kysely<unknown>);
  await sql`delete from kysely_migration where name >= '0005'`.execute(db);
  const writer = await db.startTransaction().execute();
  await sql`lock table recordings in row exclusive mode`.execute(writer);
  const migrated = migrateToLatest(database.url);
  await expect
    .poll(async () => await waitingMigrations(db), { timeout: 30_000, interval: 20 })
    .toBe(1);
  // Queues behind the migration, until that gives up its place.
  const began = performance.now();
  await sql`update recordings set state = state`.execute(db);
  expect(performance.now() - began).toBeLessThan(10_000);
  await writer.commit().execute();
  await expect(migrated).resolves.toEqual(["0005-pending-by-id", "0006-recordings-of-ids"]);
});

async function waitingMigrations(db: CatalogueDatabase): Promise<number> {
  const { rows } = await sql`select from pg_stat_activity where datname = current_database()
    and application_name = 'reelgate-migrate' and wait_event_type = 'Lock'`.execute(db);
  return rows.length;
}

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
  await recordingsOfIds.down(db as unknown as Kysely<unknown>);
  await pendingById.down(db as unknown as Kysely<unknown>);
  await recordingsByVerdict.down(db as unknown as Kysely<unknown>);
  await callbacksByTime.down(db as unknown as Kysely<unknown>);
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
