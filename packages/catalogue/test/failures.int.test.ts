import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sql } from "kysely";
import { createTestDatabase } from "@reelgate/testkit/postgres";
import { startTestPostgres } from "@reelgate/testkit/postgres-server";
import { createDatabase } from "../src/admin.ts";
import { countByOutcome, listCallbacks } from "../src/callback-log.ts";
import { catalogued } from "../src/failures.ts";
import { recordMediaFailure } from "../src/media-state.ts";
import { migrateToLatest } from "../src/migrate.ts";
import { getRecording, listRecordings } from "../src/recordings.ts";
import { settleCallback } from "../src/settle.ts";
import { eventOf, open, sample } from "./settling.ts";
import { openTestCatalogue } from "./test-catalogue.ts";
import type { TestCatalogue } from "./test-catalogue.ts";

let db: TestCatalogue;
beforeAll(async () => {
  db = await openTestCatalogue();
});
afterAll(() => db[Symbol.asyncDispose]());

const UNAVAILABLE = { code: "catalogue_unavailable", retryable: true };
const REJECTED = { code: "catalogue_rejected", retryable: false };

test.each([255, 512])(
  "G3: paired texts of %i characters keep no recording out of the catalogue",
  async (chars) => {
    // Three bytes for each UTF-16 unit is the most that there is; neighbours differ, so nothing is compressed.
    const longest = (length: number, seed: number): string =>
      Array.from({ length }, (_, index) =>
        String.fromCharCode(0x4e00 + ((index * 7919 + seed * 104_729) % 20_000)),
      ).join("");
    const callback = sample({
      app: longest(chars, 1),
      appname: longest(chars, 2),
      stream_id: longest(512, 3),
      channel_id: longest(512, 4),
      task_id: longest(512, 5),
      file_id: longest(256, chars),
      record_file_id: longest(256, 7),
      record_temp_id: longest(256, 8),
    });
    const { outcome, recordingId } = await settleCallback(db, callback);
    expect(outcome).toBe("recorded");
    // A recording enters further indexes when its media is known.
    const job = { recordingId: recordingId ?? "", generation: 0 };
    const failure = { code: "media_timeout", message: "", attempts: 1, final: true, report: null };
    await expect(recordMediaFailure(db, job, failure)).resolves.toBe(true);
  },
);

describe("what speaks of the moment is catalogue_unavailable", () => {
  test("Postgres away, then back", async () => {
    await using server = await startTestPostgres();
    await createDatabase(server.adminUrl, "catalogue");
    await migrateToLatest(server.databaseUrl("catalogue"));
    await using there = open(server.databaseUrl("catalogue"));
    const callback = sample({ file_id: "away" });
    await server.kill("SIGKILL");

    await expect(settleCallback(there, callback)).rejects.toMatchObject(UNAVAILABLE);
    await expect(listRecordings(there, {}, { limit: 1, cursor: null })).rejects.toMatchObject(
      UNAVAILABLE,
    );
    await expect(getRecording(there, "1")).rejects.toMatchObject(UNAVAILABLE);
    await expect(countByOutcome(there)).rejects.toMatchObject(UNAVAILABLE);
    await expect(migrateToLatest(server.databaseUrl("catalogue"))).rejects.toMatchObject(
      UNAVAILABLE,
    );
    await server.restart();
    await expect(settleCallback(there, callback)).resolves.toMatchObject({ outcome: "recorded" });
  });

  test("a server that became read-only, as after a failover; its connections are not used again", async () => {
    await using readOnly = await createTestDatabase();
    await using there = open(readOnly.url);
    const name = sql.ref(new URL(readOnly.url).pathname.slice(1));
    // It holds for connections that are made from now on.
    const becomeReadOnly = (state: "on" | "off"): Promise<unknown> =>
      sql`alter database ${name} set default_transaction_read_only = ${sql.raw(state)}`.execute(
        there,
      );
    await becomeReadOnly("on");
    await using later = open(readOnly.url);
    await expect(settleCallback(later, sample({ file_id: "read-only" }))).rejects.toMatchObject({
      ...UNAVAILABLE,
      message: "Postgres cannot do this now (25006).",
    });
    await expect(listRecordings(later, {}, { limit: 1, cursor: null })).resolves.toEqual({
      items: [],
      nextCursor: null,
    });
    const failing = settleCallback(later, sample({ file_id: "read-only" }));
    await expect(failing).rejects.toMatchObject(UNAVAILABLE);
    await becomeReadOnly("off");
    const settled = settleCallback(later, sample({ file_id: "read-only" }));
    await expect(settled).resolves.toMatchObject({ outcome: "recorded" });
  });

  test("a statement that takes too long", async () => {
    await settleCallback(db, sample({ file_id: "slow" }));
    await using hurried = open(db.url, { statementTimeoutMs: 100 });
    const failure = await db.transaction().execute(async (blocker) => {
      await sql`select from recordings where file_id = 'slow' for update`.execute(blocker);
      return await settleCallback(hurried, sample({ file_id: "slow", t: 2 })).catch(
        (error: unknown) => error,
      );
    });
    expect(failure).toMatchObject({
      ...UNAVAILABLE,
      message: "Postgres cannot do this now (57014).",
    });
  });

  test("a schema that is not there", async () => {
    await using empty = await createTestDatabase({ migrated: false });
    await using there = open(empty.url);
    await expect(settleCallback(there, sample())).rejects.toMatchObject(UNAVAILABLE);
  });

  test("a sequence that fell behind, as after a restore of the rows alone", async () => {
    await settleCallback(db, sample({ file_id: "restored" }));
    await sql`alter table callbacks alter column seq restart with 1`.execute(db);
    const callback = sample({ file_id: "behind" });
    await expect(settleCallback(db, callback)).rejects.toMatchObject({
      ...UNAVAILABLE,
      message: "Postgres cannot do this now (23505).",
    });
    await sql`alter table callbacks alter column seq restart with 1000`.execute(db);
    await expect(settleCallback(db, callback)).resolves.toMatchObject({ outcome: "recorded" });
  });

  test("no message names the address, the user or the password", async () => {
    await using there = open("postgres://someone:secret-1@127.0.0.1:1/somewhere");
    const failure = await settleCallback(there, sample()).catch((error: unknown) => error);
    expect(failure).toMatchObject(UNAVAILABLE);
    expect((failure as Error).message).toBe("Postgres cannot do this now (ECONNREFUSED).");
  });
});

test("a wrong password and a database that is not there are catalogue_refused", async () => {
  const wrong = new URL(db.url);
  wrong.password = "wrong";
  const missing = new URL(db.url);
  missing.pathname = "/no_such_database";
  for (const url of [wrong.href, missing.href]) {
    await using there = open(url);
    await expect(settleCallback(there, sample())).rejects.toMatchObject({
      code: "catalogue_refused",
    });
  }
});

describe("what speaks of the row is catalogue_rejected, and leaves nothing behind", () => {
  /** Noise, which compression does not make fit. */
  const noise = Array.from({ length: 8000 }, (_, i) =>
    String.fromCodePoint(0x4e00 + ((i * 7919 + i * i * 31) % 20_000)),
  ).join("");

  test.each([
    ["an index row that is too long", { streamId: noise }, "54000"],
    ["a NUL", { appname: "a\0b" }, "22021"],
    ["an end before the start", { endedAtUs: 1 }, "23514"],
    ["a negative size", { sizeBytes: -1 }, "23514"],
    ["a size beyond bigint", { sizeBytes: 1e19 }, "22003"],
    ["a fraction", { durationS: 0.5 }, "22P02"],
  ])("%s", async (_name, changes, sqlState) => {
    const callback = sample({ file_id: `rejected-${sqlState}` });
    const settling = settleCallback(db, {
      ...callback,
      verdict: {
        kind: "recording",
        identity: callback.id,
        event: { ...eventOf(callback.body), ...changes },
        tolerated: [],
      },
    });
    await expect(settling).rejects.toMatchObject({
      ...REJECTED,
      message: `Postgres refused the row (SQLSTATE ${sqlState}).`,
    });
    const { rows } = await sql`
      select from recordings where identity = ${callback.id}
      union all select from callbacks where digest = ${Buffer.from(callback.id.slice(3), "hex")}`.execute(
      db,
    );
    expect(rows).toHaveLength(0);
  });

  test("a filter that no row can have", async () => {
    const page = { limit: 1, cursor: null };
    await expect(listRecordings(db, { streamId: "\0" }, page)).rejects.toMatchObject(REJECTED);
    await expect(listRecordings(db, { q: "\0" }, page)).rejects.toMatchObject(REJECTED);
    await expect(listCallbacks(db, { eventType: "\0" }, page)).rejects.toMatchObject(REJECTED);
  });
});

test("a defect keeps its own face", async () => {
  const defect = new TypeError("x is not a function");
  await expect(catalogued(() => Promise.reject(defect))).rejects.toBe(defect);
});

test("what an origin said is stored whatever it is", async () => {
  const { mediaJob } = await settleCallback(db, sample({ file_id: "origin" }));
  const job = mediaJob ?? { recordingId: "", generation: 0 };
  const failure = {
    code: "media_not_media",
    message: `\0\ud800${"é".repeat(100_000)}`,
    attempts: 1,
    report: null,
  };
  await expect(recordMediaFailure(db, job, { ...failure, final: true })).resolves.toBe(true);
  const recording = await getRecording(db, job.recordingId);
  expect(recording?.failure?.message).toBe(`\ufffd\ufffd${"é".repeat(4094)}`);
});
