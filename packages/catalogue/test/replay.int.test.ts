import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { until } from "@reelgate/testkit/latch";
import { recordingBody } from "@reelgate/testkit/recording-body";
import { faultyRecordings } from "../src/audit.ts";
import { getCallback } from "../src/callback-log.ts";
import { getRecording } from "../src/recordings.ts";
import { replayCallback } from "../src/replay.ts";
import type { Replay } from "../src/replay.ts";
import { settleCallback } from "../src/settle.ts";
import type { CallbackToSettle } from "../src/settle.ts";
import { callbackOf, sample } from "./settling.ts";
import { EVERYTHING, openTestCatalogue } from "./test-catalogue.ts";
import type { TestCatalogue } from "./test-catalogue.ts";

let db: TestCatalogue;
beforeAll(async () => {
  db = await openTestCatalogue({ poolSize: 30 });
});
afterAll(() => db[Symbol.asyncDispose]());

/** As a version that did not understand it would have settled it. */
async function settledAs(
  kind: "invalid" | "unsupported",
  callback: CallbackToSettle,
): Promise<CallbackToSettle> {
  const verdict =
    kind === "invalid"
      ? { kind, problems: [{ path: "file_format", message: "is not known" }] }
      : { kind };
  await settleCallback(db, { ...callback, verdict });
  return callback;
}

describe("G2: a replay", () => {
  test.each(["invalid", "unsupported"] as const)(
    "makes the recording of a callback that was %s",
    async (kind) => {
      const callback = await settledAs(kind, sample({ file_id: `new-${kind}` }));
      const replay = await replayCallback(db, callback);
      expect(replay).toMatchObject({ kind: "changed", before: kind, outcome: "recorded" });
      const settled = await getCallback(db, callback.id);
      expect(settled).toMatchObject({ outcome: "recorded", problems: [] });
      const recording = await getRecording(db, settled?.recordingId ?? "");
      expect(recording).toMatchObject({ state: "pending", callbackCount: 1 });
      expect(replay).toHaveProperty("mediaJob", { recordingId: recording?.id, generation: 0 });
    },
  );

  test("is a duplicate or a conflict of a recording that is known", async () => {
    await settleCallback(db, sample({ file_id: "known" }));
    const same = await settledAs("invalid", sample({ file_id: "known", t: 1 }));
    const other = await settledAs("unsupported", sample({ file_id: "known", file_size: 1 }));
    expect(await replayCallback(db, same)).toMatchObject({ outcome: "duplicate" });
    expect(await replayCallback(db, other)).toMatchObject({ outcome: "conflict" });
    const settled = await getCallback(db, other.id);
    expect(settled?.conflicts).toMatchObject([{ field: "file_size", received: 1 }]);
    expect(await getRecording(db, settled?.recordingId ?? "")).toMatchObject({
      callbackCount: 3,
      conflictCount: 1,
    });
  });

  test("changes nothing when the judgement is the same, and says so the second time", async () => {
    const callback = await settledAs("invalid", sample({ file_id: "same" }));
    const before = await getCallback(db, callback.id);
    const again = {
      ...callback,
      verdict: {
        kind: "invalid" as const,
        problems: [{ path: "file_format", message: "is not known" }],
      },
    };
    expect(await replayCallback(db, again)).toEqual({
      kind: "unchanged",
      outcome: "invalid",
      mediaJob: null,
    });
    expect(await getCallback(db, callback.id)).toEqual(before);

    const better = { ...again, verdict: { kind: "invalid" as const, problems: [] } };
    expect(await replayCallback(db, better)).toMatchObject({ kind: "changed", outcome: "invalid" });
    expect(await replayCallback(db, better)).toMatchObject({ kind: "unchanged" });
    expect(await getCallback(db, callback.id)).toMatchObject({ outcome: "invalid", problems: [] });
  });

  test("of a callback that names a recording changes nothing, and names its media job", async () => {
    const callback = sample({ file_id: "recorded" });
    const { recordingId } = await settleCallback(db, callback);
    const before = await getCallback(db, callback.id);
    const replay = await replayCallback(db, { ...callback, verdict: { kind: "unsupported" } });
    expect(replay).toEqual({
      kind: "unchanged",
      outcome: "recorded",
      mediaJob: { recordingId, generation: 0 },
    });
    expect(await getCallback(db, callback.id)).toEqual(before);
    await sql`update recordings set state = 'indexed' where id = ${recordingId}`.execute(db);
    expect(await replayCallback(db, callback)).toMatchObject({ mediaJob: null });
  });

  test("of a callback that is not there makes nothing", async () => {
    const callback = sample({ file_id: "never-seen" });
    expect(await replayCallback(db, callback)).toEqual({ kind: "unknown" });
    expect(await getCallback(db, callback.id)).toBeNull();
  });

  test("forty times at once, among redeliveries and callbacks of the same recording, counts once", async () => {
    const replayed = await Promise.all(
      [0, 1, 2, 3].map((t) => settledAs("invalid", sample({ file_id: `rush-${t % 2}`, t }))),
    );
    const live = [10, 11, 12, 13].map((t) => sample({ file_id: `rush-${t % 2}`, t }));
    const runs = await Promise.all(
      Array.from({ length: 10 }, () => [
        ...replayed.map((callback) => replayCallback(db, callback)),
        ...replayed.map(async (callback) => void (await settleCallback(db, callback))),
        ...live.map(async (callback) => void (await settleCallback(db, callback))),
      ]).flat(),
    );
    const changed = runs.filter(
      (run): run is Replay => run !== undefined && run.kind === "changed",
    );
    expect(changed).toHaveLength(4);
    for (const fileId of ["rush-0", "rush-1"]) {
      const { rows } = await sql<{ id: string }>`
        select id from recordings where file_id = ${fileId}`.execute(db);
      expect(rows).toHaveLength(1);
      expect(await getRecording(db, rows[0]?.id ?? "")).toMatchObject({ callbackCount: 4 });
    }
    expect(await faultyRecordings(db, EVERYTHING)).toEqual([]);
  });

  test("has one outcome at every instant, and the old one when it is killed in the middle", async () => {
    const callback = await settledAs("invalid", sample({ file_id: "killed" }));
    const failure = await db.transaction().execute(async (blocker) => {
      // The replay waits for the callback's row with its recording made.
      await sql`select from callbacks where digest = ${Buffer.from(callback.id.slice(3), "hex")} for update`.execute(
        blocker,
      );
      const replaying = replayCallback(db, callback).catch((error: unknown) => error);
      const pid = await until(async () => {
        const { rows } = await sql<{ pid: number }>`
          select pid from pg_stat_activity
          where datname = current_database() and wait_event_type = 'Lock' limit 1`.execute(db);
        return rows[0]?.pid;
      });
      expect(await getCallback(db, callback.id)).toMatchObject({ outcome: "invalid" });
      await sql`select pg_terminate_backend(${pid})`.execute(blocker);
      return await replaying;
    });
    expect(failure).toMatchObject({ code: "catalogue_unavailable" });
    expect(await getCallback(db, callback.id)).toMatchObject({ outcome: "invalid" });
    const { rows } = await sql`select from recordings where file_id = 'killed'`.execute(db);
    expect(rows).toHaveLength(0);
    expect(await replayCallback(db, callback)).toMatchObject({ outcome: "recorded" });
  });

  test("of a body that Postgres refuses leaves the outcome that it has", async () => {
    const callback = await settledAs("invalid", sample({ file_id: "refused" }));
    const tooEarly = callbackOf(recordingBody({ file_id: "refused" }));
    if (tooEarly.verdict.kind !== "recording") throw new Error("the sample is a recording");
    const hostile = {
      ...callback,
      verdict: {
        ...tooEarly.verdict,
        event: { ...tooEarly.verdict.event, streamId: "a\0b" },
      },
    };
    await expect(replayCallback(db, hostile)).rejects.toMatchObject({ code: "catalogue_rejected" });
    expect(await getCallback(db, callback.id)).toMatchObject({ outcome: "invalid" });
  });
});
