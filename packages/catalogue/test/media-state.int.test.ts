import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sql } from "kysely";
import type { MediaJob } from "@reelgate/shared/contract/jobs";
import type { MediaReport } from "@reelgate/shared/contract/media";
import { explain } from "../bench/explain.ts";
import {
  getMediaTarget,
  listPendingMediaJobs,
  recordMediaFailure,
  recordMediaReport,
  requestRetry,
} from "../src/media-state.ts";
import { getRecording } from "../src/recordings.ts";
import { settleCallback } from "../src/settle.ts";
import { RECEIVED_AT_MS, sample } from "./settling.ts";
import { openTestCatalogue } from "./test-catalogue.ts";
import type { TestCatalogue } from "./test-catalogue.ts";

let db: TestCatalogue;
beforeAll(async () => {
  db = await openTestCatalogue();
});
afterAll(() => db[Symbol.asyncDispose]());

const REPORT: MediaReport = {
  media: {
    container: "hls",
    durationS: 153.96,
    durationIsExact: true,
    sizeBytes: 277_000_000,
    bitrateKbps: 14_400,
    video: { codec: "h264", width: 640, height: 480, fps: 25 },
    audio: null,
    hls: { segmentCount: 26, targetDurationS: 6, encrypted: false, variants: 0 },
  },
  findings: [
    {
      kind: "size_mismatch",
      declared: 277_941_079,
      actual: 277_000_000,
      detail: "The origin said \u0000 and \ud800.",
    },
  ],
};
const FAILURE = {
  code: "media_timeout",
  message: "too slow",
  attempts: 1,
  final: false,
  report: null,
};

const STORED = {
  url: "file:///recordings/live/a.mp4",
  sizeBytes: 277_000_000,
  sha256: "a".repeat(64),
  files: 1,
};

let files = 0;
async function pendingJob(): Promise<MediaJob> {
  files += 1;
  const { mediaJob } = await settleCallback(db, sample({ file_id: `media-${files}` }));
  if (mediaJob === null) throw new Error("no media job");
  return mediaJob;
}

/** A recording in each state from which it can be retried. */
const settled = {
  indexed: async (): Promise<MediaJob> => {
    const job = await pendingJob();
    await recordMediaReport(db, job, REPORT, null);
    return job;
  },
  failed: async (): Promise<MediaJob> => {
    const job = await pendingJob();
    await recordMediaFailure(db, job, { ...FAILURE, attempts: 8, final: true });
    return job;
  },
  stored: async (): Promise<MediaJob> => {
    const job = await pendingJob();
    await recordMediaReport(db, job, REPORT, STORED);
    return job;
  },
};

test("every look is in the history of its recording, the latest first", async () => {
  const job = await pendingJob();
  await recordMediaFailure(db, job, { ...FAILURE, durationMs: 1200.4 });
  await recordMediaReport(db, job, REPORT, null, 80);
  const retried = await requestRetry(db, job.recordingId);
  expect(retried.kind).toBe("accepted");
  const again = { ...job, generation: 1 };
  await recordMediaReport(db, job, REPORT, null, 5);
  await recordMediaReport(db, again, REPORT, STORED, 90);
  const recording = await getRecording(db, job.recordingId);
  expect(
    recording?.looks.map(({ generation, result, durationMs, final, code }) => [
      generation,
      result,
      durationMs,
      final,
      code,
    ]),
  ).toEqual([
    [1, "stored", 90, true, null],
    [0, "indexed", 80, true, null],
    [0, "failed", 1200, false, "media_timeout"],
  ]);
});

test("the target of a pending recording", async () => {
  const job = await pendingJob();
  await expect(getMediaTarget(db, job)).resolves.toEqual({
    videoUrl: "http://12345678.vod2.myqcloud.com/xxxx/yyyy/zzzz.m3u8",
    declared: { format: "hls", sizeBytes: 277_941_079, durationS: 154 },
    receivedAt: "2022-01-13T16:00:00.123000Z",
    attempts: 0,
    naming: {
      app: "yourapp",
      appname: "yourappname",
      streamId: "stream_test",
      startedAt: "2022-01-13T15:57:25.316441Z",
      identity: expect.stringMatching(/^file:12345678:media-\d+$/u) as string,
    },
    times: {
      endedAt: "2022-01-13T15:59:58.618577Z",
      receivedAt: "2022-01-13T16:00:00.123000Z",
      cataloguedAt: expect.stringMatching(/^20\d\d-.*Z$/u) as string,
    },
  });
});

test("a report makes it indexed, with what was found", async () => {
  const job = await pendingJob();
  await recordMediaFailure(db, job, FAILURE);
  await expect(recordMediaReport(db, job, REPORT, null)).resolves.toBe(true);
  expect(await getRecording(db, job.recordingId)).toMatchObject({
    state: "indexed",
    media: REPORT.media,
    findings: [{ ...REPORT.findings[0], detail: "The origin said \ufffd and \ufffd." }],
    failure: null,
  });
  await expect(getMediaTarget(db, job)).resolves.toBeNull();
});

test("a retry that fails for good leaves a stored recording stored, with the failure beside the copy", async () => {
  const job = await settled.stored();
  await requestRetry(db, job.recordingId);
  const again = { ...job, generation: 1 };
  await recordMediaFailure(db, again, FAILURE);
  expect((await getRecording(db, job.recordingId))?.state).toBe("pending");
  await recordMediaFailure(db, again, { ...FAILURE, attempts: 2, final: true });
  expect(await getRecording(db, job.recordingId)).toMatchObject({
    state: "stored",
    stored: STORED,
    failure: { code: FAILURE.code, attempts: 2 },
  });
});

test("a report with a copy makes it stored, and a later look without one still names the copy", async () => {
  const job = await settled.stored();
  expect(await getRecording(db, job.recordingId)).toMatchObject({
    state: "stored",
    stored: STORED,
  });
  const again = await requestRetry(db, job.recordingId);
  if (again.kind !== "accepted") throw new Error(again.kind);
  await recordMediaReport(db, again.job, REPORT, null);
  expect(await getRecording(db, job.recordingId)).toMatchObject({
    state: "indexed",
    stored: STORED,
  });
});

test("a failure shows what was found of a file that is broken", async () => {
  const job = await pendingJob();
  await recordMediaFailure(db, job, { ...FAILURE, report: REPORT });
  expect(await getRecording(db, job.recordingId)).toMatchObject({
    state: "pending",
    media: REPORT.media,
    findings: [{ kind: "size_mismatch" }],
  });
});

test("a failed attempt shows while it is pending, a final one ends it", async () => {
  const job = await pendingJob();
  await expect(recordMediaFailure(db, job, FAILURE)).resolves.toBe(true);
  expect(await getRecording(db, job.recordingId)).toMatchObject({
    state: "pending",
    failure: {
      code: "media_timeout",
      message: "too slow",
      attempts: 1,
      at: expect.stringMatching(/^20\d\d-.*\.\d{6}Z$/u) as string,
    },
  });
  await expect(getMediaTarget(db, job)).resolves.toMatchObject({ attempts: 1 });
  await recordMediaFailure(db, job, { ...FAILURE, attempts: 2, final: true });
  expect(await getRecording(db, job.recordingId)).toMatchObject({
    state: "failed",
    failure: { attempts: 2 },
  });
});

describe("what is settled changes no more", () => {
  test.each(["indexed", "failed", "stored"] as const)("%s", async (state) => {
    const job = await settled[state]();
    const before = await getRecording(db, job.recordingId);
    await expect(recordMediaReport(db, job, { ...REPORT, findings: [] }, null)).resolves.toBe(
      false,
    );
    await expect(recordMediaFailure(db, job, { ...FAILURE, final: true })).resolves.toBe(false);
    await expect(getMediaTarget(db, job)).resolves.toBeNull();
    expect(await getRecording(db, job.recordingId)).toEqual(before);
  });

  test("a callback for it asks for no media job", async () => {
    const job = await settled.indexed();
    const again = await settleCallback(db, sample({ file_id: `media-${files}`, t: 5 }));
    expect(again).toMatchObject({ recordingId: job.recordingId, mediaJob: null });
  });
});

describe("retry", () => {
  test.each(["indexed", "failed", "stored"] as const)(
    "from %s: pending again, as the next generation; a late job of the old one changes nothing",
    async (state) => {
      const old = await settled[state]();
      const before = await getRecording(db, old.recordingId);
      const job: MediaJob = { recordingId: old.recordingId, generation: 1 };
      await expect(requestRetry(db, old.recordingId)).resolves.toEqual({ kind: "accepted", job });
      expect(await getRecording(db, old.recordingId)).toEqual({
        ...before,
        state: "pending",
        failure: null,
      });
      await expect(getMediaTarget(db, job)).resolves.toMatchObject({ attempts: 0 });

      await expect(getMediaTarget(db, old)).resolves.toBeNull();
      await expect(recordMediaReport(db, old, REPORT, null)).resolves.toBe(false);
      await expect(recordMediaFailure(db, old, { ...FAILURE, final: true })).resolves.toBe(false);
      expect(await getRecording(db, old.recordingId)).toMatchObject({ state: "pending" });
      await expect(recordMediaReport(db, job, REPORT, null)).resolves.toBe(true);
      expect(await getRecording(db, old.recordingId)).toMatchObject({ state: "indexed" });
    },
  );

  test("a callback that comes after names the new generation", async () => {
    const job = await settled.failed();
    await requestRetry(db, job.recordingId);
    const again = await settleCallback(db, sample({ file_id: `media-${files}` }));
    expect(again).toMatchObject({ repeated: true, mediaJob: { ...job, generation: 1 } });
  });

  test("not from pending, and not of what is not there", async () => {
    const job = await pendingJob();
    await expect(requestRetry(db, job.recordingId)).resolves.toEqual({
      kind: "not_possible",
      state: "pending",
    });
    for (const id of ["0", "999999", "", "x", "-1", "9223372036854775808"]) {
      await expect(requestRetry(db, id)).resolves.toEqual({ kind: "not_found" });
    }
  });

  test("of many at once one is accepted", async () => {
    const job = await settled.failed();
    const retries = await Promise.all(
      Array.from({ length: 20 }, () => requestRetry(db, job.recordingId)),
    );
    expect(retries.filter(({ kind }) => kind === "accepted")).toHaveLength(1);
    expect(retries.filter(({ kind }) => kind === "not_possible")).toHaveLength(19);
  });

  test("a report and a retry at once: one after the other, never mixed", async () => {
    for (let n = 0; n < 10; n++) {
      const job = await settled.failed();
      const next = { ...job, generation: 1 };
      const [retry, late] = await Promise.all([
        requestRetry(db, job.recordingId),
        recordMediaReport(db, job, REPORT, null),
      ]);
      expect({ retry: retry.kind, late }).toEqual({ retry: "accepted", late: false });
      await expect(getMediaTarget(db, next)).resolves.not.toBeNull();
    }
  });
});

describe("the sweep of what is pending", () => {
  test("goes through all of it once, in pages, without the young and the settled", async () => {
    await using there = await openTestCatalogue();
    for (let n = 0; n < 25; n++) {
      const receivedAtMs = RECEIVED_AT_MS + (n % 5 === 0 ? 60_000 : 0);
      await settleCallback(there, { ...sample({ file_id: `sweep-${n}` }), receivedAtMs });
    }
    const { rows } = await sql<{ id: string }>`
      select id from recordings where received_at < '2022-01-13T16:00:30Z' order by id`.execute(
      there,
    );
    const [done, retried, ...waiting] = rows.map(({ id }) => id);
    for (const id of [done, retried]) {
      await recordMediaReport(there, { recordingId: id ?? "", generation: 0 }, REPORT, null);
    }
    await requestRetry(there, retried ?? "");

    const jobs: MediaJob[] = [];
    for (;;) {
      const page = await listPendingMediaJobs(there, {
        receivedBefore: "2022-01-13T16:00:30.000000Z",
        afterId: jobs.at(-1)?.recordingId ?? "0",
        limit: 4,
      });
      jobs.push(...page);
      if (page.length < 4) break;
    }
    expect(jobs).toEqual([
      { recordingId: retried, generation: 1 },
      ...waiting.map((recordingId) => ({ recordingId, generation: 0 })),
    ]);
  });

  test("reads what is pending alone, however the statistics stand", async () => {
    await using there = await openTestCatalogue();
    await sql`alter table recordings set (autovacuum_enabled = off)`.execute(there);
    await sql`
      insert into recordings (identity, appid, stream_id, format, started_at, ended_at, declared_duration_s,
        declared_size_bytes, video_url, received_at)
      select i, '1', 's', 'hls', now(), now(), 1, 1, 'http://x/', '2022-01-01Z' from generate_series(1, 20000) as i`.execute(
      there,
    );
    await sql`vacuum (analyze) recordings`.execute(there);
    await sql`update recordings set state = 'indexed' where id <= 19990`.execute(there);
    await sql`vacuum recordings`.execute(there);
    const plan = await explain(
      there,
      sql`select id, media_generation from recordings where state = 'pending' and media_generation >= 0
        and id > 0
        and received_at < '2022-01-02Z' order by id limit 500`,
    );
    expect(plan.indexes).toEqual(["recordings_pending_by_id"]);
    expect(plan.rowsRead).toBe(10);
  });
});
