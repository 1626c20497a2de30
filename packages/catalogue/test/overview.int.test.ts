import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sql } from "kysely";
import { overviewSchema } from "@reelgate/shared/contract/overview";
import { explain } from "../bench/explain.ts";
import { fillRecordings } from "../bench/fill.ts";
import {
  MAX_LOOKS_COUNTED,
  MAX_VERIFIED,
  failedLooksQuery,
  failuresQuery,
  overviewOf,
  settledByMinuteQuery,
  verifiedQuery,
} from "../src/overview.ts";
import { settleCallback } from "../src/settle.ts";
import { sample } from "./settling.ts";
import { openTestCatalogue } from "./test-catalogue.ts";
import type { TestCatalogue } from "./test-catalogue.ts";

let db: TestCatalogue;

/** A hundred recordings that ended 100 s before they arrived, were catalogued 1 s and verified 10 s after. */
beforeAll(async () => {
  db = await openTestCatalogue();
  for (let n = 0; n < 100; n++) await settleCallback(db, sample({ file_id: `file-${n}` }));
  await settleCallback(db, sample({ file_id: "file-1", t: 5 }));
});
afterAll(() => db[Symbol.asyncDispose]());

const sumOf = (numbers: readonly number[]): number => numbers.reduce((sum, one) => sum + one, 0);

describe("the overview", () => {
  test("has every minute of the window, the oldest first, with what was settled in it", async () => {
    await sql`
      update callbacks set settled_at = date_trunc('minute', now()) - interval '2 minutes' + interval '59.9 seconds'
      where outcome = 'duplicate'`.execute(db);
    const overview = await overviewOf(db, 5);
    overviewSchema.parse({ ...overview, queues: {} });
    const minutes = overview.minutes.map(({ at }) => Date.parse(at) / 60_000);
    const present = Math.floor(Date.parse(overview.at) / 60_000);
    expect(minutes).toEqual([4, 3, 2, 1, 0].map((ago) => present - ago));
    expect(sumOf(overview.minutes.map(({ byOutcome }) => byOutcome.recorded))).toBe(100);
    expect(sumOf(overview.minutes.map(({ byOutcome }) => byOutcome.duplicate))).toBe(1);
    expect(overview).toMatchObject({ windowMinutes: 5, countedFrom: null });
    const ofDuplicate = overview.minutes.findIndex(({ byOutcome }) => byOutcome.duplicate === 1);
    // The minute may have ended since the callback was moved.
    expect([1, 2]).toContain(ofDuplicate);
    await sql`update callbacks set settled_at = now() - interval '90 minutes'`.execute(db);
    const later = await overviewOf(db, 60);
    expect(later.minutes).toHaveLength(60);
    expect(later.minutes.flatMap(({ byOutcome }) => Object.values(byOutcome))).toEqual(
      Array.from({ length: 300 }, () => 0),
    );
    const all = await overviewOf(db, 1440);
    expect(all.minutes).toHaveLength(1440);
    expect(sumOf(all.minutes.map(({ byOutcome }) => byOutcome.recorded))).toBe(100);
  });

  test("of a catalogue in which nothing was verified has no lag", async () => {
    const { lag, failures, failedLooks, findings } = await overviewOf(db, 60);
    expect({ lag, failures, failedLooks, findings }).toEqual({
      lag: {
        recordings: 0,
        endToReceived: null,
        receivedToCatalogued: null,
        cataloguedToVerified: null,
        endToVerified: null,
      },
      failures: [],
      failedLooks: [],
      findings: [],
    });
  });

  test("tells the lag between the stations, and clocks that disagree are no lag below zero", async () => {
    await sql`
      update recordings set verified_at = now(), catalogued_at = now() - interval '10 seconds',
        received_at = now() - interval '9 seconds', ended_at = now() - interval '109 seconds', started_at = '2020-01-01Z'`.execute(
      db,
    );
    await sql`update recordings set ended_at = now() - interval '1000 seconds' where id <= 2`.execute(
      db,
    );
    await sql`update recordings set catalogued_at = null where id > 50`.execute(db);
    const { lag } = await overviewOf(db, 60);
    expect(lag.recordings).toBe(100);
    // Exact: percentiles are of the values that are there.
    expect(lag.endToReceived?.p50S).toBeCloseTo(100, 5);
    expect(lag.endToVerified?.p50S).toBeCloseTo(109, 5);
    expect(lag.endToVerified?.p99S).toBeGreaterThan(999);
    expect(lag.receivedToCatalogued).toEqual({ p50S: 0, p99S: 0 });
    expect(lag.cataloguedToVerified?.p99S).toBeCloseTo(10, 5);
    // The verdicts of an operator's retries are no lag of the first ones.
    await sql`update recordings set media_generation = 1 where id <= 2`.execute(db);
    const withoutRetries = (await overviewOf(db, 60)).lag;
    expect(withoutRetries.recordings).toBe(98);
    expect(withoutRetries.endToVerified?.p99S).toBeCloseTo(109, 5);
    await sql`update recordings set media_generation = 0`.execute(db);
    await sql`update recordings set catalogued_at = null`.execute(db);
    expect((await overviewOf(db, 60)).lag).toMatchObject({
      receivedToCatalogued: null,
      cataloguedToVerified: null,
      endToReceived: { p50S: lag.endToReceived?.p50S },
    });
    await sql`update recordings set verified_at = now() - interval '61 minutes' where id > 1`.execute(
      db,
    );
    expect((await overviewOf(db, 60)).lag.recordings).toBe(1);
  });

  test("counts a recording once for each kind of finding, and failures by their codes", async () => {
    await sql`
      update recordings set verified_at = now(),
        findings = '[{"kind":"missing_segment"},{"kind":"missing_segment"},{"kind":"truncated"}]' where id <= 3`.execute(
      db,
    );
    await sql`
      update recordings set verified_at = now(), findings = '[{"kind":"size_mismatch"}]' where id between 4 and 8`.execute(
      db,
    );
    await sql`
      update recordings set state = 'failed', failure_code = case when id <= 12 then 'media_timeout' else 'media_not_found' end
      where id between 10 and 20`.execute(db);
    await sql`
      insert into looks (recording_id, generation, ended_at, result, final, failure_code)
      select id, 0, now() - interval '30 minutes' * (id % 4), 'failed', false, 'media_forbidden' from recordings
      union all select id, 0, now(), 'indexed', true, null from recordings`.execute(db);
    const { findings, failures, failedLooks } = await overviewOf(db, 60);
    expect({ findings, failures, failedLooks }).toEqual({
      findings: [
        { kind: "size_mismatch", recordings: 5 },
        { kind: "missing_segment", recordings: 3 },
        { kind: "truncated", recordings: 3 },
      ],
      failures: [
        { code: "media_not_found", recordings: 8 },
        { code: "media_timeout", recordings: 3 },
      ],
      failedLooks: [{ code: "media_forbidden", looks: 50 }],
    });
  });
});

test("what was settled before the bound is said to be uncounted", async () => {
  const limit = 30;
  const { rows } = await settledByMinuteQuery("2020-01-01T00:00:00Z", limit).execute(db);
  expect(rows[0]).toMatchObject({ total: limit });
  const { rows: earliest } = await sql<{ settled_at: string }>`
    select settled_at from callbacks order by settled_at desc, outcome desc offset ${limit - 1} limit 1`.execute(
    db,
  );
  expect(rows[0]?.first).toBe(earliest[0]?.settled_at);
});

test("each question reads its own index, and no more of it than its bound", async () => {
  await using there = await openTestCatalogue();
  await fillRecordings({ url: there.url, rows: 12_000, onProgress: () => {} });
  await sql`update recordings set verified_at = started_at where state <> 'pending'`.execute(there);
  await sql`
    insert into callbacks (digest, outcome, event_type, recording_id, received_at, settled_at, body, problems, conflicts, unknown_fields)
    select sha256(id::text::bytea), 'recorded', '100', id, started_at, started_at, '{}', '[]', '[]', '[]' from recordings`.execute(
    there,
  );
  await sql`
    insert into looks (recording_id, generation, ended_at, result, final, failure_code)
    select id, 0, started_at, 'failed', true, 'media_timeout' from recordings order by id`.execute(
    there,
  );
  for (const table of ["callbacks", "looks", "recordings"]) {
    await sql`vacuum (analyze) ${sql.table(table)}`.execute(there);
  }
  const everything = "2020-01-01T00:00:00Z";
  // The last hours of a day, less a bit.
  const recent = "2024-01-01T18:00:00Z";
  for (const [query, index, atMost] of [
    [settledByMinuteQuery(recent, 500), "callbacks_by_settled_at", 501],
    [settledByMinuteQuery(everything, 500), "callbacks_by_settled_at", 501],
    [verifiedQuery(recent), "recordings_by_verified_at", 3 * MAX_VERIFIED + 1],
    [verifiedQuery(everything), "recordings_by_verified_at", 3 * MAX_VERIFIED + 1],
    [failuresQuery(), "recordings_failed_by_code", 2000],
    [failedLooksQuery(recent), "looks_by_ended_at", MAX_LOOKS_COUNTED],
  ] as const) {
    const plan = await explain(there, query);
    expect(plan.indexes).toEqual([index]);
    expect(plan.nodes.join()).not.toMatch(/Seq Scan|Bitmap/u);
    expect(plan.rowsRead).toBeLessThanOrEqual(atMost);
  }
  const plan = await explain(there, settledByMinuteQuery(everything, 500));
  expect(plan.nodes.join()).toContain("Index Only Scan");
});
