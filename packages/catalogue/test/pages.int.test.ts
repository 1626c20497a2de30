import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sql } from "kysely";
import { FILE_FORMATS } from "@reelgate/shared/contract/media";
import type { FindingKind } from "@reelgate/shared/contract/media";
import { RECORDING_STATES } from "@reelgate/shared/contract/recording";
import type { Page, Recording } from "@reelgate/shared/contract/recording";
import { AppError } from "@reelgate/shared/errors";
import { MAX_PAGE_BODY_BYTES, getCallback, listCallbacks } from "../src/callback-log.ts";
import { encodeCursor } from "../src/page.ts";
import { getRecording, listRecordings } from "../src/recordings.ts";
import type { RecordingFilter } from "../src/recordings.ts";
import { settleCallback } from "../src/settle.ts";
import { sample } from "./settling.ts";
import { openTestCatalogue, walkPages } from "./test-catalogue.ts";
import type { TestCatalogue } from "./test-catalogue.ts";

const ROWS = 240;
const STARTS = [1_642_000_000, 1_642_000_001, 1_642_000_002];
const at = (second: number, microseconds = 0): string =>
  `${new Date(second * 1000).toISOString().slice(0, 19)}.${String(microseconds).padStart(6, "0")}Z`;

const FINDINGS: readonly FindingKind[][] = [
  [],
  ["size_mismatch"],
  [],
  ["truncated", "missing_segment"],
  [],
  ["missing_segment", "missing_segment"],
  [],
];

let db: TestCatalogue;
let all: Recording[];

/** Few values for each field, so that every combination has some rows and many start at the same time. */
function bodyOf(n: number): Record<string, unknown> {
  const pick = <T>(values: readonly T[], salt: number): T | undefined =>
    values[Math.floor(n / salt) % values.length];
  return {
    file_id: `file-${n}`,
    record_file_id: n % 5 === 0 ? undefined : `record-${n % 40}`,
    stream_id: pick(["s1", "s2", "t9"], 1),
    app: pick(["a1", "a2", undefined], 3),
    appname: pick(["live", "vod"], 7),
    task_id: pick([undefined, "t9", "task-2"], 11),
    file_format: pick(FILE_FORMATS, 2),
    start_time: pick(STARTS, 5),
    start_time_usec: pick([0, 0, 1, 999_999], 13),
    t: n,
  };
}

beforeAll(async () => {
  db = await openTestCatalogue();
  await Promise.all(Array.from({ length: ROWS }, (_, n) => settleCallback(db, sample(bodyOf(n)))));
  const findings = sql.join(
    FINDINGS.map((kinds) => sql`${JSON.stringify(kinds.map((kind) => ({ kind })))}::jsonb`),
  );
  await sql`
    update recordings set state = (array['pending', 'indexed', 'stored', 'failed'])[1 + id % 4],
      findings = (array[${findings}])[1 + (id / 3) % ${FINDINGS.length}::integer]`.execute(db);
  all = (await walkPages((page) => listRecordings(db, {}, page), 100)).flat();
});
afterAll(() => db[Symbol.asyncDispose]());

/** The filter in plain words, against which the queries are held. */
function passes(one: Recording, filter: RecordingFilter): boolean {
  const ids = [one.id, one.streamId, one.fileId, one.recordFileId, one.taskId];
  return (
    (filter.streamId ?? one.streamId) === one.streamId &&
    (filter.app ?? one.app) === one.app &&
    (filter.appname ?? one.appname) === one.appname &&
    (filter.state ?? one.state) === one.state &&
    (filter.format ?? one.format) === one.format &&
    (filter.taskId ?? one.taskId) === one.taskId &&
    (filter.from === undefined || one.startedAt >= filter.from) &&
    (filter.to === undefined || one.startedAt < filter.to) &&
    (filter.finding === undefined ||
      one.findings.some(({ kind }) => filter.finding === "any" || filter.finding === kind)) &&
    (filter.q === undefined || ids.includes(filter.q))
  );
}

const bound = fc.constantFrom(
  ...STARTS.flatMap((second) => [at(second), at(second, 1), at(second, 999_999)]),
  at(1_641_999_999),
  at(1_642_000_003),
);
const optional = <T>(values: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(values, { nil: undefined, freq: 2 });
const anyFilter: fc.Arbitrary<RecordingFilter> = fc.record({
  streamId: optional(fc.constantFrom("s1", "s2", "t9", "none")),
  app: optional(fc.constantFrom("a1", "a2", "none")),
  appname: optional(fc.constantFrom("live", "vod", "none")),
  state: optional(fc.constantFrom(...RECORDING_STATES)),
  format: optional(fc.constantFrom(...FILE_FORMATS)),
  taskId: optional(fc.constantFrom("t9", "task-2", "none")),
  finding: optional(
    fc.constantFrom("any", "size_mismatch", "missing_segment", "truncated", "empty_file"),
  ),
  from: optional(bound),
  to: optional(bound),
  q: optional(fc.constantFrom("s1", "t9", "task-2", "file-7", "record-8", "17", "none")),
});

describe("pages of recordings", () => {
  test("all, newest first, those that start together by id", () => {
    expect(all).toHaveLength(ROWS);
    const keys = all.map(({ startedAt, id }) => `${startedAt} ${id.padStart(19, "0")}`);
    expect(keys).toEqual(keys.toSorted().toReversed());
    expect(new Set(all.map(({ startedAt }) => startedAt)).size).toBeLessThan(10);
  });

  test("fast-check: any filter, any page size: each row that passes exactly once, in order", async () => {
    await fc.assert(
      fc.asyncProperty(anyFilter, fc.integer({ min: 1, max: 60 }), async (filter, limit) => {
        const pages = await walkPages((page) => listRecordings(db, filter, page), limit);
        expect(pages.flat().map(({ id }) => id)).toEqual(
          all.filter((one) => passes(one, filter)).map(({ id }) => id),
        );
        expect(pages.slice(0, -1).every((page) => page.length === limit)).toBe(true);
      }),
      {
        numRuns: 250,
        examples: [
          [{}, 1],
          [{ q: "t9" }, 7],
          [{ q: "t9", streamId: "t9" }, 7],
          [{ finding: "any" }, 10],
          [{ finding: "missing_segment" }, 10],
          [{ finding: "any", streamId: "s1", state: "pending" }, 3],
        ],
      },
    );
  });

  test("fast-check: a cursor of one filter goes on from its place under another", async () => {
    await fc.assert(
      fc.asyncProperty(anyFilter, fc.integer({ min: 0, max: ROWS - 1 }), async (filter, place) => {
        const last = all[place];
        const cursor = encodeCursor([last?.startedAt ?? "", last?.id ?? ""]);
        const { items } = await listRecordings(db, filter, { limit: 200, cursor });
        expect(items.map(({ id }) => id)).toEqual(
          all
            .slice(place + 1)
            .filter((one) => passes(one, filter))
            .slice(0, 200)
            .map(({ id }) => id),
        );
      }),
      { numRuns: 100 },
    );
  });

  test("from is included, to is not, to the microsecond", async () => {
    const [second = 0] = STARTS;
    const started = async (filter: RecordingFilter): Promise<Set<string>> => {
      const page = await listRecordings(db, filter, { limit: 200, cursor: null });
      return new Set(page.items.map(({ startedAt }) => startedAt));
    };
    expect(await started({ from: at(second, 1), to: at(second, 2) })).toEqual(
      new Set([at(second, 1)]),
    );
    expect(await started({ from: at(second), to: at(second, 1) })).toEqual(new Set([at(second)]));
    expect(await started({ from: at(second), to: at(second) })).toEqual(new Set());
    expect(await started({ from: at(second + 1), to: at(second) })).toEqual(new Set());
  });

  test("rows that come between two pages neither repeat nor hide those that were there", async () => {
    await using there = await openTestCatalogue();
    const settle = (file_id: string, start_time: number): Promise<unknown> =>
      settleCallback(there, sample({ file_id, start_time }));
    for (let n = 0; n < 30; n++) await settle(`old-${n}`, 1_642_000_000 + (n % 3));
    const seen: (string | null)[] = [];
    let cursor: string | null = null;
    let round = 0;
    do {
      const page: Page<Recording> = await listRecordings(there, {}, { limit: 4, cursor });
      seen.push(...page.items.map(({ fileId }) => fileId));
      cursor = page.nextCursor;
      round += 1;
      // Before, at and after the place of the cursor.
      for (const second of [0, 1, 2])
        await settle(`new-${round}-${second}`, 1_642_000_000 + second);
    } while (cursor !== null && round < 100);
    const old = seen.filter((fileId) => fileId?.startsWith("old-"));
    expect(old).toHaveLength(30);
    expect(new Set(seen).size).toBe(seen.length);
  });

  test("a page ends where its recordings are too large together, and shows each once", async () => {
    await using there = await openTestCatalogue();
    const callback_ext = JSON.stringify({ note: "key".repeat(16_000 / 3) });
    for (let n = 0; n < 100; n++) {
      await settleCallback(there, sample({ file_id: `large-${n}`, callback_ext }));
    }
    const pages = await walkPages((page) => listRecordings(there, {}, page), 200);
    expect(pages.length).toBe(2);
    for (const page of pages) {
      expect(JSON.stringify(page).length).toBeLessThan(MAX_PAGE_BODY_BYTES + 20_000);
    }
    expect(new Set(pages.flat().map(({ id }) => id)).size).toBe(100);
    // As many as there may be in one page, and one more, which is none.
    const [full = []] = pages;
    const page = await listRecordings(there, {}, { limit: full.length, cursor: null });
    expect(page.items).toHaveLength(full.length);
    expect(page.nextCursor).not.toBeNull();
    const first = await listRecordings(there, {}, { limit: 1, cursor: null });
    expect(first.items).toHaveLength(1);
  });

  test.each(["id", "streamId", "fileId", "recordFileId", "taskId"] as const)(
    "q finds by %s",
    async (field) => {
      const wanted = all.find((one) => one[field] !== null && one.recordFileId !== null);
      const q = wanted?.[field] ?? "";
      const { items } = await listRecordings(db, { q }, { limit: 200, cursor: null });
      expect(items.map(({ id }) => id)).toContain(wanted?.id);
      expect(items.every((one) => passes(one, { q }))).toBe(true);
    },
  );

  test("q finds a recording once that has one text as two of its identifiers", async () => {
    const file_id = "one-text-as-both";
    await settleCallback(
      db,
      sample({ ...bodyOf(0), file_id, record_file_id: file_id, stream_id: file_id, start_time: 2 }),
    );
    const { items } = await listRecordings(db, { q: file_id }, { limit: 10, cursor: null });
    expect(items).toHaveLength(1);
    await sql`delete from callbacks where recording_id = ${items[0]?.id}`.execute(db);
    await sql`delete from recordings where id = ${items[0]?.id}`.execute(db);
  });

  test("a filter is compared bytewise: no case folding, no wildcard, no trimming", async () => {
    for (const streamId of ["S1", "s%", "s_", "s1 ", " s1", ""]) {
      const { items } = await listRecordings(db, { streamId }, { limit: 1, cursor: null });
      expect(items).toEqual([]);
    }
  });
});

describe("cursors", () => {
  const foreign: string[] = [
    "",
    "x",
    "AAAA",
    "null",
    Buffer.from("{}").toString("base64url"),
    encodeCursor([]),
    encodeCursor(["2022-01-13T15:57:25.316441Z"]),
    encodeCursor(["2022-01-13T15:57:25.316441Z", "1", "2"]),
    encodeCursor(["2022-01-13T15:57:25Z", "1"]),
    encodeCursor(["2022-02-30T15:57:25.316441Z", "1"]),
    encodeCursor(["0000-01-13T15:57:25.316441Z", "1"]),
    encodeCursor(["infinity", "1"]),
    encodeCursor(["2022-01-13T15:57:25.316441Z", "-1"]),
    encodeCursor(["2022-01-13T15:57:25.316441Z", "9223372036854775808"]),
    encodeCursor(["2022-01-13T15:57:25.316441Z", "1; drop table recordings"]),
    encodeCursor(["1", "2022-01-13T15:57:25.316441Z"]),
  ];
  const invalid = { code: "invalid_query", status: 400 };

  test.each(foreign)("%j is refused by the list of recordings", async (cursor) => {
    await expect(listRecordings(db, {}, { limit: 1, cursor })).rejects.toMatchObject(invalid);
  });

  test("each list refuses the other's", async () => {
    const recordings = await listRecordings(db, {}, { limit: 1, cursor: null });
    const callbacks = await listCallbacks(db, {}, { limit: 1, cursor: null });
    await expect(
      listRecordings(db, {}, { limit: 1, cursor: callbacks.nextCursor }),
    ).rejects.toMatchObject(invalid);
    await expect(
      listCallbacks(db, {}, { limit: 1, cursor: recordings.nextCursor }),
    ).rejects.toMatchObject(invalid);
  });

  test("fast-check: any text is a page or refused", async () => {
    const anyCursor = fc.oneof(
      fc.string(),
      fc.base64String(),
      fc.json().map((text) => Buffer.from(text).toString("base64url")),
      fc
        .tuple(fc.date({ noInvalidDate: true }), fc.bigInt())
        .map(([date, id]) => encodeCursor([date.toISOString(), String(id)])),
      fc
        .tuple(fc.date({ noInvalidDate: true }), fc.bigInt({ min: 0n, max: 2n ** 63n }))
        .map(([date, id]) => encodeCursor([date.toISOString().replace("Z", "000Z"), String(id)])),
    );
    await fc.assert(
      fc.asyncProperty(anyCursor, async (cursor) => {
        for (const list of [listRecordings, listCallbacks]) {
          const result = await list(db, {}, { limit: 1, cursor }).then(
            ({ items }) => (items.length <= 1 ? "a page" : "too much"),
            (error: unknown) => (error instanceof AppError ? error.code : error),
          );
          expect(["a page", "invalid_query"]).toContain(result);
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe("G6 no secret leaves the catalogue", () => {
  test("videoUrl, streamParam, conflicts and bodies are redacted", async () => {
    const secrets = {
      file_id: "secret",
      sign: "s3cret-sign",
      stream_param: "txSecret=s3cret-push&txTime=65A0",
      video_url: "http://user:s3cret-user@12345678.vod2.myqcloud.com/a.m3u8?sign=s3cret-url",
    };
    const { recordingId } = await settleCallback(db, sample(secrets));
    const conflict = sample({
      ...secrets,
      video_url: "http://user:s3cret-user2@12345678.vod2.myqcloud.com/b.m3u8?sign=s3cret-url2",
    });
    await expect(settleCallback(db, conflict)).resolves.toMatchObject({ outcome: "conflict" });
    const shown = [
      await getRecording(db, recordingId ?? ""),
      await listRecordings(db, { q: "secret" }, { limit: 1, cursor: null }),
      await listCallbacks(db, {}, { limit: 2, cursor: null }),
      await getCallback(db, conflict.id),
    ];
    expect(JSON.stringify(shown)).not.toContain("s3cret");
    expect(shown[0]).toMatchObject({
      streamParam: "txSecret=[redacted]&txTime=[redacted]",
      videoUrl: "http://[redacted]@12345678.vod2.myqcloud.com/a.m3u8?[redacted]",
    });
  });
});
