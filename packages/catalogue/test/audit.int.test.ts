import { sql } from "kysely";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  alteredCallbacks,
  faultyRecordings,
  nextAuditRange,
  recordingsAmong,
  settledAmong,
} from "../src/audit.ts";
import { settleCallback } from "../src/settle.ts";
import { sample } from "./settling.ts";
import { EVERYTHING, empty, openTestCatalogue } from "./test-catalogue.ts";
import type { TestCatalogue } from "./test-catalogue.ts";

let db: TestCatalogue;
beforeAll(async () => {
  db = await openTestCatalogue();
});
afterAll(() => db[Symbol.asyncDispose]());
beforeEach(async () => {
  await empty(db);
  for (let n = 0; n < 3; n++) {
    await settleCallback(db, sample({ file_id: `f-${n}` }));
    await settleCallback(db, sample({ file_id: `f-${n}`, t: 1 }));
    await settleCallback(db, sample({ file_id: `f-${n}`, file_size: 1 }));
  }
});

const faults = async (): Promise<string[]> =>
  (await faultyRecordings(db, EVERYTHING)).map(({ fault }) => fault);

describe("G2, G3: the audit of recordings", () => {
  test("finds nothing where nothing is wrong", async () => {
    expect(await faults()).toEqual([]);
  });

  test.each([
    [
      "a callback that was lost",
      sql`delete from callbacks where outcome = 'duplicate'`,
      "callback_count_wrong",
    ],
    [
      "a callback that was counted twice",
      sql`update recordings set callback_count = 4`,
      "callback_count_wrong",
    ],
    ["too few conflicts", sql`update recordings set conflict_count = 0`, "conflict_count_wrong"],
    ["too many conflicts", sql`update recordings set conflict_count = 2`, "conflict_count_wrong"],
    [
      "more conflicts than were there before retention",
      sql`update recordings set conflict_count = 3, callback_count = 4, pruned_callbacks = 1`,
      "conflict_count_wrong",
    ],
    [
      "a recording that nothing made",
      sql`update callbacks set outcome = 'duplicate' where outcome = 'recorded'`,
      "first_callback_missing",
    ],
    [
      "a recording that was made twice",
      sql`update callbacks set outcome = 'recorded' where outcome = 'duplicate'`,
      "recorded_twice",
    ],
  ])("finds %s, three times", async (_name, plant, fault) => {
    await plant.execute(db);
    expect(await faults()).toEqual([fault, fault, fault]);
  });

  test.each([
    [
      "appid and file id",
      sql`update recordings set file_id = 'one' where file_id in ('f-0', 'f-2')`,
    ],
    [
      "appid, record file id and format, without a file id",
      sql`update recordings set file_id = null, record_file_id = 'one' where file_id in ('f-0', 'f-2')`,
    ],
  ])("finds two recordings of the same %s", async (_name, plant) => {
    await plant.execute(db);
    const found = await faultyRecordings(db, EVERYTHING);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatchObject({ fault: "recording_doubled" });
  });

  test("takes two formats, and two accounts, for two recordings", async () => {
    await sql`update recordings set file_id = null, record_file_id = 'one'`.execute(db);
    await sql`update recordings set appid = '2' where id = (select min(id) from recordings)`.execute(
      db,
    );
    await sql`update recordings set format = 'mp4' where id = (select max(id) from recordings)`.execute(
      db,
    );
    expect(await faults()).toEqual([]);
  });

  test("walks every row once, in ranges of any size", async () => {
    for (const limit of [1, 2, 3, 10]) {
      let rows = 0;
      let after = "0";
      for (;;) {
        const range = await nextAuditRange(db, "callbacks", after, limit);
        if (range === null) break;
        rows += range.rows;
        after = range.last;
      }
      expect(rows).toBe(9);
    }
  });

  test("finds a body that is not the one of its id", async () => {
    expect(await alteredCallbacks(db, EVERYTHING)).toEqual([]);
    const { id } = sample({ file_id: "f-1" });
    await sql`update callbacks set body = 'x' where digest = ${Buffer.from(id.slice(3), "hex")}`.execute(
      db,
    );
    expect(await alteredCallbacks(db, EVERYTHING)).toEqual([id]);
  });

  test("tells which ids are there", async () => {
    const { id } = sample({ file_id: "f-1" });
    const unknown = sample({ file_id: "other" }).id;
    expect([...(await settledAmong(db, [unknown, id]))]).toEqual([id]);
    expect([...(await recordingsAmong(db, ["9223372036854775807"]))]).toEqual([]);
  });
});
