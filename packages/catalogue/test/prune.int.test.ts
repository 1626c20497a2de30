import { sql } from "kysely";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { faultyRecordings } from "../src/audit.ts";
import { getCallback } from "../src/callback-log.ts";
import {
  countLooksBefore,
  deleteCallbacks,
  deleteLooks,
  lastPrunableSeq,
  prunableCallbacks,
} from "../src/prune.ts";
import { getRecording } from "../src/recordings.ts";
import { recordMediaFailure, requestRetry } from "../src/media-state.ts";
import { settleCallback } from "../src/settle.ts";
import type { CallbackToSettle } from "../src/settle.ts";
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
});

const BEFORE = "2026-01-01T00:00:00.000000Z";

/** Settled at a time, of a recording in a state. */
async function settled(
  callback: CallbackToSettle,
  settledAt: string,
  state: "pending" | "indexed" = "indexed",
): Promise<CallbackToSettle> {
  await settleCallback(db, callback);
  const digest = Buffer.from(callback.id.slice(3), "hex");
  await sql`update callbacks set settled_at = ${settledAt} where digest = ${digest}`.execute(db);
  await sql`update recordings set state = ${state}
    where id = (select recording_id from callbacks where digest = ${digest})`.execute(db);
  return callback;
}

async function prunable(batchSize = 100): Promise<string[]> {
  const window = { before: BEFORE, batchSize };
  const lastSeq = await lastPrunableSeq(db, BEFORE);
  const ids: string[] = [];
  let afterSeq: string | null = "0";
  while (afterSeq !== null) {
    const batch: Awaited<ReturnType<typeof prunableCallbacks>> = await prunableCallbacks(
      db,
      window,
      { afterSeq, lastSeq },
    );
    ids.push(...batch.ids);
    afterSeq = batch.nextAfterSeq;
  }
  return ids;
}

describe("retention", () => {
  test("takes what was settled before, batch by batch, but what is pending", async () => {
    const old = await settled(sample({ file_id: "a" }), "2025-12-31T23:59:59.999999Z");
    const invalid = await settled(
      { ...sample({ file_id: "b" }), verdict: { kind: "invalid", problems: [] } },
      "2025-06-01T00:00:00Z",
    );
    await settled(sample({ file_id: "c" }), "2025-06-01T00:00:00Z", "pending");
    await settled(sample({ file_id: "d" }), BEFORE);
    for (const batchSize of [1, 2, 100]) {
      expect(await prunable(batchSize)).toEqual([old.id, invalid.id]);
    }
  });

  test("counts what it removed on the recording, and a redelivery of it is a duplicate", async () => {
    const first = await settled(sample({ file_id: "e" }), "2025-06-01T00:00:00Z");
    const conflict = await settled(sample({ file_id: "e", file_size: 1 }), "2025-06-01T00:00:00Z");
    await settled(sample({ file_id: "e", t: 5 }), "2026-06-01T00:00:00Z");
    expect(await deleteCallbacks(db, await prunable(), BEFORE)).toBe(2);
    expect(await getCallback(db, first.id)).toBeNull();
    expect(await faultyRecordings(db, EVERYTHING)).toEqual([]);

    expect(await settleCallback(db, first)).toMatchObject({ outcome: "duplicate" });
    expect(await settleCallback(db, conflict)).toMatchObject({ outcome: "conflict" });
    expect(await faultyRecordings(db, EVERYTHING)).toEqual([]);
    const id = (await getCallback(db, first.id))?.recordingId ?? "";
    expect(await getRecording(db, id)).toMatchObject({ callbackCount: 5, conflictCount: 2 });
  });

  test("leaves a callback whose recording became pending after it was found", async () => {
    const callback = await settled(sample({ file_id: "f" }), "2025-06-01T00:00:00Z");
    const found = await prunable();
    const id = (await getCallback(db, callback.id))?.recordingId ?? "";
    await requestRetry(db, id);
    expect(await deleteCallbacks(db, found, BEFORE)).toBe(0);
    expect(await getCallback(db, callback.id)).not.toBeNull();
  });

  test("twice at once, and while callbacks of the same recordings are settled, loses no count", async () => {
    for (let n = 0; n < 40; n++) {
      await settled(sample({ file_id: `g-${n % 4}`, t: n }), "2025-06-01T00:00:00Z");
    }
    const found = await prunable();
    const live = Array.from({ length: 40 }, (_, n) =>
      sample({ file_id: `g-${n % 4}`, t: 100 + n }),
    );
    const [once, twice] = await Promise.all([
      deleteCallbacks(db, found, BEFORE),
      deleteCallbacks(db, found.toReversed(), BEFORE),
      ...live.map((callback) => settleCallback(db, callback)),
    ]);
    // The new callbacks are pending's own: none of the settled ones made a recording pending.
    expect(once + twice).toBe(40);
    expect(await faultyRecordings(db, EVERYTHING)).toEqual([]);
  });

  test("takes old looks in batches, once their recording is not pending", async () => {
    const { recordingId } = await settleCallback(db, sample({ file_id: "h" }));
    const job = { recordingId: recordingId ?? "", generation: 0 };
    for (const attempts of [1, 2, 3]) {
      await recordMediaFailure(db, job, {
        code: "media_timeout",
        message: "",
        attempts,
        final: false,
        report: null,
      });
    }
    await sql`update looks set ended_at = '2025-06-01' where id < (select max(id) from looks)`.execute(
      db,
    );
    const window = { before: BEFORE, batchSize: 1 };
    expect(await countLooksBefore(db, BEFORE)).toBe(0);
    expect(await deleteLooks(db, window)).toBe(0);
    await sql`update recordings set state = 'indexed'`.execute(db);
    expect(await countLooksBefore(db, BEFORE)).toBe(2);
    expect(await deleteLooks(db, window)).toBe(1);
    expect(await deleteLooks(db, window)).toBe(1);
    expect(await deleteLooks(db, window)).toBe(0);
    expect((await getRecording(db, job.recordingId))?.looks).toHaveLength(1);
  });
});
