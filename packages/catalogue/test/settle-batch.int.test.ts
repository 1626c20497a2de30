import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sql } from "kysely";
import { until } from "@reelgate/testkit/latch";
import { createTestDatabase } from "@reelgate/testkit/postgres";
import type { TestDatabase } from "@reelgate/testkit/postgres";
import { getCallback } from "../src/callback-log.ts";
import type { CatalogueDatabase } from "../src/database.ts";
import { deleteCallbacks } from "../src/prune.ts";
import { getRecording } from "../src/recordings.ts";
import { replayCallback } from "../src/replay.ts";
import { settleCallback, settleCallbacks } from "../src/settle.ts";
import type { CallbackToSettle, Settlement } from "../src/settle.ts";
import { eventOf, open, sample } from "./settling.ts";
import { deadlocks } from "./test-catalogue.ts";

let database: TestDatabase;
let db: CatalogueDatabase & AsyncDisposable;
beforeAll(async () => {
  database = await createTestDatabase();
  db = open(database.url);
});
afterAll(async () => {
  await db[Symbol.asyncDispose]();
  await database.drop();
});

/** A file id that no other test of this file uses. */
let lastFileId = 9_007_199_254_740_993_000n;
const newFileId = (): string => String(++lastFileId);

const invalid = (): CallbackToSettle => sample({ file_id: newFileId(), video_url: null });
const unsupported = (): CallbackToSettle => ({
  ...sample({ file_id: newFileId() }),
  verdict: { kind: "unsupported" },
});
/** As a version would judge it that identified recordings by another rule. */
const underIdentity = (callback: CallbackToSettle, identity: string): CallbackToSettle => ({
  ...callback,
  verdict: { kind: "recording", identity, event: eventOf(callback.body), tolerated: [] },
});
const refused = (callback: CallbackToSettle): CallbackToSettle => ({
  ...callback,
  verdict: {
    kind: "recording",
    identity: callback.id,
    event: { ...eventOf(callback.body), sizeBytes: -1 },
    tolerated: [],
  },
});

const outcomesOf = (settled: readonly Settlement[]): string[] =>
  settled.map(({ outcome, repeated }) => (repeated ? `${outcome} before` : outcome));

describe("G2 and G3: a batch ends as one after the other would", () => {
  test("callbacks of every kind, in their order", async () => {
    const file_id = newFileId();
    const settled = await settleCallbacks(db, [
      unsupported(),
      sample({ file_id }),
      invalid(),
      sample({ file_id, t: 1 }),
      sample({ file_id: newFileId() }),
      sample({ file_id, file_size: 1 }),
      sample({ file_id, t: 2 }),
    ]);
    expect(outcomesOf(settled)).toEqual([
      "unsupported",
      "recorded",
      "invalid",
      "duplicate",
      "recorded",
      "conflict",
      "duplicate",
    ]);
    const recordingId = settled[1]?.recordingId ?? "";
    for (const index of [1, 3, 5, 6]) {
      expect(settled[index]?.mediaJob).toEqual({ recordingId, generation: 0 });
    }
    expect(settled[0]?.mediaJob).toBeNull();
    const recording = await getRecording(db, recordingId);
    expect(recording).toMatchObject({ callbackCount: 4, conflictCount: 1 });
    // Newest first: the numbers of the rows are in the order of the batch.
    expect(recording?.callbacks.map(({ outcome }) => outcome)).toEqual([
      "recorded",
      "duplicate",
      "conflict",
      "duplicate",
    ]);
  });

  test("what contradicts the first of its batch says how", async () => {
    const file_id = newFileId();
    const other = sample({ file_id, start_time_usec: 7, duration: 155, app: undefined });
    await settleCallbacks(db, [sample({ file_id }), other]);
    expect((await getCallback(db, other.id))?.conflicts).toEqual([
      {
        field: "start_time",
        recorded: "2022-01-13T15:57:25.316441Z",
        received: "2022-01-13T15:57:25.000007Z",
      },
      { field: "duration", recorded: 154, received: 155 },
    ]);
  });

  test("the same callback twice, and one that was settled before, count once", async () => {
    const file_id = newFileId();
    const [first, second, third] = [0, 1, 2].map((t) => sample({ file_id, t }));
    if (first === undefined || second === undefined || third === undefined) throw new Error();
    const alone = await settleCallback(db, second);
    const rejected = invalid();
    await settleCallback(db, rejected);
    const settled = await settleCallbacks(db, [first, second, first, third, rejected, third]);
    expect(outcomesOf(settled)).toEqual([
      "duplicate",
      "recorded before",
      "duplicate before",
      "duplicate",
      "invalid before",
      "duplicate before",
    ]);
    expect(new Set(settled.map(({ mediaJob }) => mediaJob?.recordingId))).toEqual(
      new Set([alone.recordingId, undefined]),
    );
    expect(await getRecording(db, alone.recordingId ?? "")).toMatchObject({
      callbackCount: 3,
      conflictCount: 0,
    });
  });

  test("the first of a batch makes the recording also where it comes again later in it", async () => {
    const file_id = newFileId();
    const [first, second] = [sample({ file_id }), sample({ file_id, file_size: 1 })];
    const settled = await settleCallbacks(db, [first, second, first]);
    expect(outcomesOf(settled)).toEqual(["recorded", "conflict", "recorded before"]);
  });

  test("no callback is no work", async () => {
    expect(await settleCallbacks(db, [])).toEqual([]);
  });

  test("a row that Postgres refuses leaves nothing of its batch, and each can be settled alone", async () => {
    const sound = [sample({ file_id: newFileId() }), unsupported()];
    const [one, other] = sound;
    if (one === undefined || other === undefined) throw new Error();
    const poison = refused(sample({ file_id: newFileId() }));
    await expect(settleCallbacks(db, [one, poison, other])).rejects.toMatchObject({
      code: "catalogue_rejected",
    });
    expect(await getCallback(db, one.id)).toBeNull();
    expect(await getCallback(db, other.id)).toBeNull();
    expect(outcomesOf(await settleCallbacks(db, sound))).toEqual(["recorded", "unsupported"]);
  });

  test("what was settled under another identity leaves the rest of its batch, which is judged without it", async () => {
    const file_id = newFileId();
    const [old, next, neighbour] = [
      sample({ file_id }),
      sample({ file_id, t: 1 }),
      sample({ file_id: newFileId() }),
    ];
    if (old === undefined || next === undefined || neighbour === undefined) throw new Error();
    const before = await settleCallback(db, underIdentity(old, `old rule ${file_id}`));
    const settled = await settleCallbacks(db, [old, next, neighbour, old]);
    expect(outcomesOf(settled)).toEqual([
      "recorded before",
      "recorded",
      "recorded",
      "recorded before",
    ]);
    expect(settled[0]?.recordingId).toBe(before.recordingId);
    expect(settled[1]?.recordingId).not.toBe(before.recordingId);
    const recording = await getRecording(db, settled[1]?.recordingId ?? "");
    expect(recording).toMatchObject({ callbackCount: 1, conflictCount: 0 });
    expect(recording?.callbacks.map(({ id }) => id)).toEqual([next.id]);
  });

  test("batches of the same recordings and callbacks in opposite orders wait for each other, without a deadlock", async () => {
    const callbacks = Array.from({ length: 12 }, () => newFileId()).flatMap((file_id, n) => [
      sample({ file_id }),
      sample({ file_id, t: 1 }),
      n % 2 === 0 ? invalid() : unsupported(),
    ]);
    const batches = Array.from({ length: 12 }, (_, n) =>
      n % 2 === 0 ? callbacks : callbacks.toReversed(),
    );
    const before = await deadlocks(db);
    const settled = await Promise.all(batches.map((batch) => settleCallbacks(db, batch)));
    expect(settled.flat().filter(({ repeated }) => !repeated)).toHaveLength(callbacks.length);
    expect(await deadlocks(db)).toBe(before);
  });

  test("a batch and retention that want the same recordings do not deadlock", async () => {
    const fileIds = Array.from({ length: 20 }, newFileId);
    const first = fileIds.map((file_id) => sample({ file_id }));
    // Identities and ids run against each other.
    for (const callback of first.toReversed()) await settleCallback(db, callback);
    await sql`update recordings set state = 'indexed' where file_id = any(${fileIds})`.execute(db);
    const before = await deadlocks(db);
    for (let t = 1; t <= 10; t++) {
      const again = fileIds.map((file_id) => sample({ file_id, t }));
      const ids = first.map(({ id }) => id);
      await Promise.all([
        settleCallbacks(db, again),
        deleteCallbacks(db, ids, "2099-01-01T00:00:00.000Z"),
        settleCallbacks(db, again.toReversed()),
      ]);
    }
    expect(await deadlocks(db)).toBe(before);
  });

  test("a transaction that Postgres ends for a deadlock is run again", async () => {
    const [one, other] = [invalid(), invalid()].toSorted((a, b) => (a.id < b.id ? -1 : 1));
    if (one === undefined || other === undefined) throw new Error();
    const insert = (tx: CatalogueDatabase, { id }: CallbackToSettle): Promise<unknown> =>
      sql`
      insert into callbacks (digest, outcome, received_at, body, problems, conflicts, unknown_fields)
      values (${Buffer.from(id.slice(3), "hex")}, 'unsupported', now(), '', '[]', '[]', '[]')`.execute(
        tx,
      );
    const foreign = await db.startTransaction().execute();
    await sql`set local deadlock_timeout = '60s'`.execute(foreign);
    // Holds the second and asks for the first, which is the order that the batch does not take them in.
    await insert(foreign, other);
    const before = await deadlocks(db);
    const settling = settleCallbacks(db, [one, other]);
    await until(async () => (await waiting()) === 1);
    const asking = insert(foreign, one);
    await asking;
    await foreign.commit().execute();
    expect(outcomesOf(await settling)).toEqual(["unsupported before", "unsupported before"]);
    // Also for the tests above: this is what a deadlock looks like to them.
    expect(await deadlocks(db)).toBe(before + 1);
  });

  test("a replay among batches that repeat the callback changes it once", async () => {
    const file_id = newFileId();
    const callback = sample({ file_id });
    await settleCallback(db, { ...callback, verdict: { kind: "unsupported" } });
    const others = [1, 2, 3].map((t) => sample({ file_id, t }));
    const [replay, ...batches] = await Promise.all([
      replayCallback(db, callback),
      settleCallbacks(db, [...others, callback]),
      settleCallbacks(db, [callback, ...others]),
    ]);
    // Settled as repeated under a recording that does not exist yet, it would have made that recording.
    expect(replay.kind).toBe("changed");
    expect(batches.flat().filter(({ repeated }) => !repeated)).toHaveLength(others.length);
    const { rows } = await sql<{ id: string }>`
      select id from recordings where file_id = ${file_id}`.execute(db);
    expect(rows).toHaveLength(1);
    const recording = await getRecording(db, rows[0]?.id ?? "");
    expect(recording).toMatchObject({ callbackCount: 4, conflictCount: 0 });
    expect(recording?.callbacks).toHaveLength(4);
  });

  test("fast-check: batches of two connections, interleaved, leave what one by one would", async () => {
    await using second = open(database.url, { poolSize: 1 });
    await using first = open(database.url, { poolSize: 1 });
    const kinds = fc.record({
      file: fc.integer({ min: 0, max: 2 }),
      t: fc.integer({ min: 0, max: 2 }),
      verdict: fc.constantFrom("recording", "recording", "recording", "invalid", "unsupported"),
    });
    const batch = fc.array(kinds, { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(batch, { maxLength: 3 }),
        fc.array(batch, { maxLength: 3 }),
        async (ofFirst, ofSecond) => {
          const files = [newFileId(), newFileId(), newFileId()];
          const callbackOf = ({ file, t, verdict }: (typeof ofFirst)[number][number]) => {
            const file_id = files[file];
            if (verdict === "invalid") return sample({ file_id, t, video_url: null });
            const callback = sample({ file_id, t: verdict === "recording" ? t : t + 10 });
            return verdict === "recording"
              ? callback
              : { ...callback, verdict: { kind: "unsupported" as const } };
          };
          const run = async (on: CatalogueDatabase, batches: typeof ofFirst) => {
            const settled: Settlement[] = [];
            for (const one of batches)
              settled.push(...(await settleCallbacks(on, one.map(callbackOf))));
            return settled;
          };
          const settled = await Promise.all([run(first, ofFirst), run(second, ofSecond)]);
          const all = [...ofFirst, ...ofSecond].flat().map(callbackOf);
          const distinct = new Map(all.map((callback) => [callback.id, callback]));

          // One by one: of each recording the first is recorded, every other one a duplicate.
          const expected = [...distinct.values()].map(({ verdict }) => verdict.kind);
          const named = new Set(
            [...distinct.values()].flatMap(({ verdict }) =>
              verdict.kind === "recording" ? [verdict.identity] : [],
            ),
          );
          const firstRuns = settled.flat().filter(({ repeated }) => !repeated);
          const counted = Object.groupBy(firstRuns, ({ outcome }) => outcome);
          expect(firstRuns).toHaveLength(distinct.size);
          expect(counted.recorded ?? []).toHaveLength(named.size);
          for (const kind of ["invalid", "unsupported"] as const) {
            expect(counted[kind] ?? []).toHaveLength(expected.filter((one) => one === kind).length);
          }
          const { rows } = await sql<{ identity: string; counted: number; rows: string }>`
            select identity, callback_count as counted, count(c.seq) as rows
            from recordings r join callbacks c on c.recording_id = r.id
            where file_id = any(${files}) group by r.id`.execute(db);
          expect(new Set(rows.map(({ identity }) => identity))).toEqual(named);
          for (const row of rows) expect(Number(row.rows)).toBe(row.counted);
          const total = rows.reduce((sum, row) => sum + row.counted, 0);
          expect(total).toBe(expected.filter((kind) => kind === "recording").length);
        },
      ),
      { numRuns: 40 },
    );
  });
});

async function waiting(): Promise<number> {
  const { rows } = await sql`
    select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`.execute(
    db,
  );
  return rows.length;
}
