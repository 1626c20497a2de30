import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sql } from "kysely";
import { callbackJobId } from "@reelgate/shared/contract/jobs";
import { recordingBody } from "@reelgate/testkit/recording-body";
import { countByOutcome, getCallback } from "../src/callback-log.ts";
import { getRecording } from "../src/recordings.ts";
import { settleCallback } from "../src/settle.ts";
import { callbackOf, eventOf, open, sample } from "./settling.ts";
import { deadlocks, openTestCatalogue } from "./test-catalogue.ts";
import type { TestCatalogue } from "./test-catalogue.ts";

let db: TestCatalogue;
beforeAll(async () => {
  db = await openTestCatalogue();
});
afterAll(() => db[Symbol.asyncDispose]());

/** A file id that no other test of this file uses. */
let lastFileId = 9_007_199_254_740_993_000n;
const newFileId = (): string => String(++lastFileId);

async function rowsOf(fileId: string): Promise<{ recordings: number; callbacks: number }> {
  const { rows } = await sql<{ recordings: string; callbacks: string }>`
    select count(distinct r.id) as recordings, count(c.seq) as callbacks
    from recordings r left join callbacks c on c.recording_id = r.id where r.file_id = ${fileId}`.execute(
    db,
  );
  return { recordings: Number(rows[0]?.recordings), callbacks: Number(rows[0]?.callbacks) };
}

describe("G2 one outcome", () => {
  test("a callback that is settled forty times at once counts once", async () => {
    const file_id = newFileId();
    const callback = sample({ file_id });
    const settled = await Promise.all(
      Array.from({ length: 40 }, () => settleCallback(db, callback)),
    );

    expect(settled.filter(({ repeated }) => !repeated)).toHaveLength(1);
    expect(new Set(settled.map(({ outcome }) => outcome))).toEqual(new Set(["recorded"]));
    const mediaJob = { recordingId: settled[0]?.recordingId, generation: 0 };
    expect(settled.every((one) => one.mediaJob?.recordingId === mediaJob.recordingId)).toBe(true);
    expect(await rowsOf(file_id)).toEqual({ recordings: 1, callbacks: 1 });
    const recording = await getRecording(db, mediaJob.recordingId ?? "");
    expect(recording).toMatchObject({ callbackCount: 1, conflictCount: 0 });
  });

  test("a duplicate, conflict or invalid callback that comes again keeps its outcome and is not counted", async () => {
    const file_id = newFileId();
    await settleCallback(db, sample({ file_id }));
    const callbacks = [
      sample({ file_id, t: 1 }),
      sample({ file_id, file_size: 1 }),
      sample({ file_id: newFileId(), video_url: null }),
      callbackOf(`{"event_type":1,"file_id":"${file_id}"}`, {
        eventType: "1",
        verdict: { kind: "unsupported" },
      }),
    ];
    const firstRun: unknown[] = [];
    for (const callback of callbacks) firstRun.push(await settleCallback(db, callback));
    const counts = await countByOutcome(db);
    for (const [index, callback] of callbacks.entries()) {
      const again = await settleCallback(db, callback);
      expect(again).toEqual({ ...(firstRun[index] as object), repeated: true });
    }
    expect(await countByOutcome(db)).toEqual(counts);
    expect(await rowsOf(file_id)).toEqual({ recordings: 1, callbacks: 3 });
  });

  test("invalid callbacks are kept with every problem, and make no recording", async () => {
    const callback = sample({ file_id: newFileId(), video_url: null, file_size: -1 });
    const settled = await settleCallback(db, callback);
    expect(settled).toEqual({
      outcome: "invalid",
      recordingId: null,
      repeated: false,
      mediaJob: null,
    });
    const kept = await getCallback(db, callback.id);
    expect(kept?.problems.map(({ path }) => path).toSorted()).toEqual(["file_size", "video_url"]);
  });

  test("other event types are kept whole", async () => {
    const body = `{"event_type": 332, "note": "line\\u0000",\n "appid": 18446744073709551616}`;
    const callback = callbackOf(body, { eventType: "332", verdict: { kind: "unsupported" } });
    await expect(settleCallback(db, callback)).resolves.toMatchObject({ outcome: "unsupported" });
    expect(await bodyOf(callback.id)).toBe(body);
  });

  test("a callback whose identity changed meanwhile makes no second row", async () => {
    const body = recordingBody({ file_id: newFileId() });
    const first = await settleCallback(db, callbackOf(body));
    const again = await settleCallback(
      db,
      callbackOf(body, {
        verdict: {
          kind: "recording",
          identity: "by another rule",
          event: eventOf(body),
          tolerated: [],
        },
      }),
    );
    expect(again).toMatchObject({
      outcome: "recorded",
      recordingId: first.recordingId,
      repeated: true,
    });
    const { rows } = await sql`select from recordings where identity = 'by another rule'`.execute(
      db,
    );
    expect(rows).toHaveLength(0);
  });

  test("fast-check: any body is kept byte for byte, and comes with any circumstances", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: "binary", maxLength: 3000 }),
        fc.string({ unit: "binary", maxLength: 3000 }),
        fc.array(fc.string({ unit: "binary", maxLength: 200 }), { maxLength: 5 }),
        async (text, label, names) => {
          const body = `${text.toWellFormed()}${newFileId()}`;
          const callback = callbackOf(recordingBody(), {
            id: callbackJobId(Buffer.from(body)),
            body,
            eventType: label,
            requestId: label,
            remoteAddress: label,
            unknownFields: names,
            verdict: {
              kind: "invalid",
              problems: names.map((name) => ({ path: name, message: name })),
            },
          });
          expect((await settleCallback(db, callback)).outcome).toBe("invalid");
          expect(await bodyOf(callback.id)).toBe(body);
          const kept = await getCallback(db, callback.id);
          expect(kept?.problems).toHaveLength(names.length);
        },
      ),
      { numRuns: 60 },
    );
  });

  test.each([
    ["NUL", "a\0b", "a\ufffdb"],
    ["a lone surrogate", "a\ud800b", "a\ufffdb"],
    ["a pair cut in two", "\udc00\ud800", "\ufffd\ufffd"],
  ])(
    "%s in problems, unknown fields and event type is stored as U+FFFD",
    async (_name, hostile, stored) => {
      const callback = callbackOf(recordingBody({ file_id: newFileId() }), {
        eventType: hostile,
        unknownFields: [hostile],
        verdict: { kind: "invalid", problems: [{ path: hostile, message: hostile }] },
      });
      await settleCallback(db, callback);
      expect(await getCallback(db, callback.id)).toMatchObject({
        eventType: stored,
        unknownFields: [stored],
        problems: [{ path: stored, message: stored }],
      });
    },
  );

  test("megabytes of problems and names are kept", async () => {
    const long = "x".repeat(1_000_000);
    const callback = callbackOf(recordingBody({ file_id: newFileId() }), {
      eventType: long,
      unknownFields: [long],
      verdict: { kind: "invalid", problems: [{ path: long, message: long }] },
    });
    await settleCallback(db, callback);
    const kept = await getCallback(db, callback.id);
    expect(kept?.problems).toEqual([{ path: long, message: long }]);
    expect(kept?.unknownFields).toEqual([long]);
    expect(kept?.eventType).toBe(long.slice(0, 512));
  });

  test("an outcome is on disk before its job ends, whatever the database has for a default", async () => {
    await using there = await openTestCatalogue();
    const name = new URL(there.url).pathname.slice(1);
    await sql`alter database ${sql.id(name)} set synchronous_commit = off`.execute(there);
    await using fresh = open(there.url);
    const { rows } = await sql`show synchronous_commit`.execute(fresh);
    expect(rows).toEqual([{ synchronous_commit: "on" }]);
  });

  test("callbacks of few recordings at once, mixed and repeated, neither deadlock nor miscount", async () => {
    const fileIds = [newFileId(), newFileId(), newFileId()];
    const callbacks = Array.from({ length: 60 }, (_, n) => {
      const file_id = fileIds[n % fileIds.length];
      return n % 10 === 9
        ? sample({ file_id, t: n, video_url: null })
        : sample({ file_id, t: n, file_size: n % 4 === 0 ? 1 : 2 });
    });
    const thrice = [...callbacks, ...callbacks.toReversed(), ...callbacks];
    const settled = await Promise.all(
      thrice.map(async (callback) => ({
        id: callback.id,
        ...(await settleCallback(db, callback)),
      })),
    );

    expect(settled.filter(({ repeated }) => !repeated)).toHaveLength(callbacks.length);
    const outcomes = Map.groupBy(settled, ({ id }) => id);
    for (const runs of outcomes.values()) {
      expect(new Set(runs.map(({ outcome }) => outcome)).size).toBe(1);
    }
    const perRecording = callbacks.length / fileIds.length - 2;
    for (const fileId of fileIds) {
      expect(await rowsOf(fileId)).toEqual({ recordings: 1, callbacks: perRecording });
    }
    expect(await deadlocks(db)).toBe(0);
  });
});

async function bodyOf(id: string): Promise<string | undefined> {
  const { rows } = await sql<{ body: Buffer }>`
    select body from callbacks where digest = ${Buffer.from(id.slice(3), "hex")}`.execute(db);
  return rows[0]?.body.toString("utf8");
}
