import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sql } from "kysely";
import { callbackJobId } from "@reelgate/shared/contract/jobs";
import { recordingBody } from "@reelgate/testkit/recording-body";
import { createTestDatabase } from "@reelgate/testkit/postgres";
import type { TestDatabase } from "@reelgate/testkit/postgres";
import { countByOutcome, getCallback } from "../src/callback-log.ts";
import type { CatalogueDatabase } from "../src/database.ts";
import { getRecording } from "../src/recordings.ts";
import { settleCallback } from "../src/settle.ts";
import { callbackOf, eventOf, open, sample } from "./settling.ts";

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

async function rowsOf(fileId: string): Promise<{ recordings: number; callbacks: number }> {
  const { rows } = await sql<{ recordings: string; callbacks: string }>`
    select count(distinct r.id) as recordings, count(c.seq) as callbacks
    from recordings r left join callbacks c on c.recording_id = r.id where r.file_id = ${fileId}`.execute(
    db,
  );
  return { recordings: Number(rows[0]?.recordings), callbacks: Number(rows[0]?.callbacks) };
}

describe("G3 one row per recording", () => {
  test("the first callback is recorded with every field, to the microsecond", async () => {
    const file_id = newFileId();
    const callback = sample({ file_id });
    const settled = await settleCallback(db, callback);

    expect(settled).toEqual({
      outcome: "recorded",
      recordingId: expect.stringMatching(/^\d+$/u) as string,
      repeated: false,
      mediaJob: { recordingId: settled.recordingId, generation: 0 },
    });
    const recording = await getRecording(db, settled.recordingId ?? "");
    expect(recording).toMatchObject({
      identity: `file:12345678:${file_id}`,
      appid: "12345678",
      app: "yourapp",
      appname: "yourappname",
      streamId: "stream_test",
      channelId: "stream_test",
      fileId: file_id,
      recordFileId: "1234567890",
      templateId: null,
      taskId: "UpTbk5RSVhRQ********************0xTSlNTQltlRVRLU1JAWW9EUb",
      format: "hls",
      startedAt: "2022-01-13T15:57:25.316441Z",
      endedAt: "2022-01-13T15:59:58.618577Z",
      declared: { durationS: 154, sizeBytes: 277_941_079, bitrateKbps: 0 },
      streamParam: "stream_param=[redacted]",
      callbackExt: { video_codec: "h264", resolution: "640x480" },
      mediaStartTime: 135_802,
      videoUrl: "http://12345678.vod2.myqcloud.com/xxxx/yyyy/zzzz.m3u8",
      callbackCount: 1,
      conflictCount: 0,
      receivedAt: "2022-01-13T16:00:00.123000Z",
      state: "pending",
      media: null,
      findings: [],
      stored: null,
      failure: null,
    });
    expect(recording?.callbacks.map(({ id, outcome }) => ({ id, outcome }))).toEqual([
      { id: callback.id, outcome: "recorded" },
    ]);
  });

  test("numbers at the edge of 2^53 come back as they were", async () => {
    const settled = await settleCallback(
      db,
      sample({
        file_id: newFileId(),
        file_size: Number.MAX_SAFE_INTEGER,
        record_bps: Number.MAX_SAFE_INTEGER,
        media_start_time: Number.MIN_SAFE_INTEGER,
      }),
    );
    const recording = await getRecording(db, settled.recordingId ?? "");
    expect(recording?.declared.sizeBytes).toBe(Number.MAX_SAFE_INTEGER);
    expect(recording?.declared.bitrateKbps).toBe(Number.MAX_SAFE_INTEGER);
    expect(recording?.mediaStartTime).toBe(Number.MIN_SAFE_INTEGER);
  });

  test.each([
    ["no microseconds", 1_642_089_445, 0, "2022-01-13T15:57:25.000000Z"],
    ["one", 1, 1, "1970-01-01T00:00:01.000001Z"],
    ["the last", 7_258_118_398, 999_999, "2199-12-31T23:59:58.999999Z"],
  ])("times with %s are exact", async (_name, start_time, start_time_usec, startedAt) => {
    const settled = await settleCallback(
      db,
      sample({
        file_id: newFileId(),
        start_time,
        start_time_usec,
        end_time: 7_258_118_399,
      }),
    );
    const recording = await getRecording(db, settled.recordingId ?? "");
    expect(recording?.startedAt).toBe(startedAt);
  });

  test("re-signed callbacks are duplicates, which change nothing but the count", async () => {
    const file_id = newFileId();
    const first = await settleCallback(db, sample({ file_id, t: 1, sign: "a" }));
    const before = await getRecording(db, first.recordingId ?? "");
    for (const t of [2, 3, 4]) {
      const settled = await settleCallback(
        db,
        sample({
          file_id,
          t,
          sign: "b",
          callback_ext: "{}",
          stream_param: "other=1",
          video_url: "http://12345678.vod2.myqcloud.com/xxxx/yyyy/zzzz.m3u8?sign=other",
        }),
      );
      expect(settled).toEqual({
        outcome: "duplicate",
        recordingId: first.recordingId,
        repeated: false,
        mediaJob: { recordingId: first.recordingId, generation: 0 },
      });
    }
    const after = await getRecording(db, first.recordingId ?? "");
    expect(after).toEqual({ ...before, callbackCount: 4, callbacks: after?.callbacks });
    expect(after?.callbacks.map(({ outcome }) => outcome)).toEqual([
      "recorded",
      "duplicate",
      "duplicate",
      "duplicate",
    ]);
  });

  test.each([
    ["app", "other", "yourapp"],
    ["appname", "other", "yourappname"],
    ["stream_id", "other", "stream_test"],
    ["record_file_id", "other", "1234567890"],
    ["record_temp_id", "other", "template-1"],
    ["task_id", "other", "UpTbk5RSVhRQ********************0xTSlNTQltlRVRLU1JAWW9EUb"],
    ["file_format", "mp4", "hls"],
    ["duration", 155, 154],
    ["file_size", 277_941_080, 277_941_079],
    ["video_url", "http://10.0.0.1/other", "http://12345678.vod2.myqcloud.com/xxxx/yyyy/zzzz.m3u8"],
  ])(
    "a callback with another %s is a conflict and overwrites nothing",
    async (field, received, recorded) => {
      const file_id = newFileId();
      const record_temp_id = "template-1";
      const first = await settleCallback(db, sample({ file_id, record_temp_id }));
      const before = await getRecording(db, first.recordingId ?? "");
      const second = sample({ file_id, record_temp_id, [field]: received });
      const settled = await settleCallback(db, second);

      expect(settled).toMatchObject({ outcome: "conflict", recordingId: first.recordingId });
      const kept = await getCallback(db, second.id);
      expect(kept?.conflicts).toEqual([{ field, recorded, received }]);
      const after = await getRecording(db, first.recordingId ?? "");
      expect(after).toEqual({
        ...before,
        callbackCount: 2,
        conflictCount: 1,
        callbacks: after?.callbacks,
      });
    },
  );

  test.each([
    [
      "start_time",
      { start_time: 1_642_089_446 },
      "2022-01-13T15:57:25.316441Z",
      "2022-01-13T15:57:26.316441Z",
    ],
    [
      "start_time",
      { start_time_usec: 316_442 },
      "2022-01-13T15:57:25.316441Z",
      "2022-01-13T15:57:25.316442Z",
    ],
    [
      "end_time",
      { end_time_usec: 618_576 },
      "2022-01-13T15:59:58.618577Z",
      "2022-01-13T15:59:58.618576Z",
    ],
  ])(
    "another %s is a conflict, down to the microsecond",
    async (field, change, recorded, received) => {
      const file_id = newFileId();
      await settleCallback(db, sample({ file_id }));
      const second = sample({ file_id, ...change });
      await expect(settleCallback(db, second)).resolves.toMatchObject({ outcome: "conflict" });
      expect((await getCallback(db, second.id))?.conflicts).toEqual([
        { field, recorded, received },
      ]);
    },
  );

  test("another file id under the same identity is a conflict", async () => {
    const body = recordingBody({ file_id: newFileId() });
    await settleCallback(db, callbackOf(body));
    const event = eventOf(body);
    const second = sample({ file_id: newFileId() });
    const settled = await settleCallback(db, {
      ...second,
      verdict: {
        kind: "recording",
        identity: `file:${event.appid}:${event.fileId}`,
        event: eventOf(second.body),
        tolerated: [],
      },
    });
    expect(settled.outcome).toBe("conflict");
  });

  test("what only one of two callbacks says is no conflict, either way", async () => {
    const absent = Object.fromEntries(
      [
        "app",
        "appname",
        "record_file_id",
        "task_id",
        "channel_id",
        "stream_param",
        "callback_ext",
      ].map((field) => [field, undefined]),
    );
    for (const [first, second] of [
      [{}, absent],
      [absent, {}],
    ]) {
      const file_id = newFileId();
      await settleCallback(db, sample({ file_id, ...first }));
      const settled = await settleCallback(db, sample({ file_id, ...second }));
      expect(settled.outcome).toBe("duplicate");
    }
  });

  test("HLS and MP4 of one task are two recordings", async () => {
    const [hls, mp4] = [newFileId(), newFileId()];
    const outcomes = [
      await settleCallback(db, sample({ file_id: hls, file_format: "hls" })),
      await settleCallback(db, sample({ file_id: mp4, file_format: "mp4" })),
    ];
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(["recorded", "recorded"]);
  });

  test("fifty different callbacks of one recording at once: one recorded, counts exact", async () => {
    const file_id = newFileId();
    const callbacks = Array.from({ length: 50 }, (_, t) =>
      // Every fifth contradicts the others.
      sample({ file_id, t, file_size: t % 5 === 0 ? 1 : 2 }),
    );
    const settled = await Promise.all(callbacks.map((callback) => settleCallback(db, callback)));

    const outcomes = Object.groupBy(settled, ({ outcome }) => outcome);
    expect(outcomes.recorded).toHaveLength(1);
    const recordedId = outcomes.recorded?.[0]?.recordingId ?? "";
    const recording = await getRecording(db, recordedId);
    const isSmall = recording?.declared.sizeBytes === 1;
    expect(outcomes.conflict).toHaveLength(isSmall ? 40 : 10);
    expect(outcomes.duplicate).toHaveLength(isSmall ? 9 : 39);
    expect(recording).toMatchObject({ callbackCount: 50, conflictCount: isSmall ? 40 : 10 });
    expect(recording?.callbacks).toHaveLength(50);
    expect(await rowsOf(file_id)).toEqual({ recordings: 1, callbacks: 50 });
  });
});

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
    const { rows } = await sql<{ deadlocks: string }>`
      select deadlocks from pg_stat_database where datname = current_database()`.execute(db);
    expect(rows[0]?.deadlocks).toBe("0");
  });
});

async function bodyOf(id: string): Promise<string | undefined> {
  const { rows } = await sql<{ body: Buffer }>`
    select body from callbacks where digest = ${Buffer.from(id.slice(3), "hex")}`.execute(db);
  return rows[0]?.body.toString("utf8");
}
