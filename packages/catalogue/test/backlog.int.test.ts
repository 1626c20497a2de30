import { sql } from "kysely";
import { expect, test } from "vitest";
import { BACKLOG_COUNT_LIMIT, readBacklog } from "../src/backlog.ts";
import { poolUse } from "../src/database.ts";
import { recordMediaFailure, requestRetry } from "../src/media-state.ts";
import { settleCallback } from "../src/settle.ts";
import { RECEIVED_AT_MS, sample } from "./settling.ts";
import { openTestCatalogue } from "./test-catalogue.ts";

test("what waits and what failed is counted, up to a bound", async () => {
  await using db = await openTestCatalogue();
  expect(await readBacklog(db)).toEqual({ pending: 0, oldestPendingReceivedAtMs: null, failed: 0 });

  const jobs = [];
  for (const index of [0, 1, 2]) {
    const receivedAtMs = RECEIVED_AT_MS + index * 1000;
    const callback = { ...sample({ file_id: `file-${index}` }), receivedAtMs };
    const { mediaJob } = await settleCallback(db, callback);
    if (mediaJob !== null) jobs.push(mediaJob);
  }
  const [first] = jobs;
  if (first === undefined) throw new Error("no media job");
  expect(await readBacklog(db)).toEqual({
    pending: 3,
    oldestPendingReceivedAtMs: RECEIVED_AT_MS,
    failed: 0,
  });
  await recordMediaFailure(db, first, {
    code: "media_timeout",
    message: "too slow",
    attempts: 1,
    final: true,
    report: null,
  });
  expect(await readBacklog(db)).toEqual({
    pending: 2,
    oldestPendingReceivedAtMs: RECEIVED_AT_MS + 1000,
    failed: 1,
  });
  await requestRetry(db, first.recordingId);
  expect(await readBacklog(db)).toMatchObject({ pending: 3, failed: 0 });

  await sql`
    insert into recordings
      (identity, appid, stream_id, format, started_at, ended_at, declared_duration_s, declared_size_bytes, video_url,
       received_at, state)
    select 'many-' || n, '1', 's', 'mp4', now(), now(), 1, 1, 'http://a/', now(),
      case when n % 2 = 0 then 'failed' else 'pending' end
    from generate_series(1, ${sql.lit(2 * BACKLOG_COUNT_LIMIT + 10)}) as n`.execute(db);
  expect(await readBacklog(db)).toMatchObject({
    pending: BACKLOG_COUNT_LIMIT,
    failed: BACKLOG_COUNT_LIMIT,
  });
});

test("a pool knows how much of it is used", async () => {
  await using db = await openTestCatalogue({ poolSize: 1 });
  expect(poolUse(db)).toEqual({ busy: 0, idle: 0, waiting: 0 });
  await db.transaction().execute(async (tx) => {
    await sql`select 1`.execute(tx);
    const other = sql`select 1`.execute(db);
    expect(poolUse(db)).toEqual({ busy: 1, idle: 0, waiting: 1 });
    void other;
  });
  await sql`select 1`.execute(db);
  expect(poolUse(db)).toEqual({ busy: 0, idle: 1, waiting: 0 });
});
