import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sql } from "kysely";
import { recordingBody } from "@reelgate/testkit/recording-body";
import { getCallback } from "../src/callback-log.ts";
import { getRecording } from "../src/recordings.ts";
import { settleCallback } from "../src/settle.ts";
import { callbackOf, eventOf, sample } from "./settling.ts";
import { openTestCatalogue } from "./test-catalogue.ts";
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

  test("times without microseconds contradict only another second", async () => {
    const coarse = { start_time_usec: undefined, end_time_usec: undefined };
    for (const [first, second] of [
      [coarse, {}],
      [{}, coarse],
    ]) {
      const file_id = newFileId();
      await settleCallback(db, sample({ file_id, ...first }));
      const same = await settleCallback(db, sample({ file_id, ...second }));
      const other = await settleCallback(
        db,
        sample({ file_id, ...second, end_time: 1_642_089_599 }),
      );
      expect([same.outcome, other.outcome]).toEqual(["duplicate", "conflict"]);
    }
  });

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
