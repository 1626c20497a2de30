import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sql } from "kysely";
import pg from "pg";
import type { Recording } from "@reelgate/shared/contract/recording";
import { explain } from "../bench/explain.ts";
import { fillRecordings } from "../bench/fill.ts";
import { listShapes } from "../bench/list-shapes.ts";
import { callbackListQuery } from "../src/callback-log.ts";
import { MAX_CANDIDATES, listQuery } from "../src/list-query.ts";
import type { ListKey, RecordingFilter } from "../src/list-query.ts";
import { listRecordings } from "../src/recordings.ts";
import { openTestCatalogue } from "./test-catalogue.ts";
import type { TestCatalogue } from "./test-catalogue.ts";

const ROWS = 30_000;
const LIMIT = 50;
/** Four formats, and four kinds of identifier in a search. */
const MAX_RANGES = 8;

let db: TestCatalogue;
beforeAll(async () => {
  db = await openTestCatalogue();
  await fillRecordings({ url: db.url, rows: ROWS, onProgress: () => {} });
}, 180_000);
afterAll(() => db[Symbol.asyncDispose]());

async function openNoticingConnection(url: string) {
  const client = new pg.Client({ connectionString: url });
  const notices: string[] = [];
  client.on("notice", ({ message }) => notices.push(message ?? ""));
  await client.connect();
  return {
    notices,
    query: async (text: string) => await client.query(text),
    [Symbol.asyncDispose]: async () => await client.end(),
  };
}

/** In the middle of what `fillRecordings` makes of 30,000 rows. */
const DEEP: ListKey = ["2024-01-02T06:00:00.000000Z", "17600"];

describe.each([
  ["first", null],
  ["deep", DEEP],
])("the %s page of each list", (_page, after) => {
  test.each(listShapes(ROWS).map((shape) => [shape.name, shape] as const))(
    "%s",
    async (_name, shape) => {
      for (const n of [0, 1, 2]) {
        const query = listQuery(shape.filter(n), after, LIMIT + 1);
        const plan = await explain(db, query);
        const perRange = shape.isChecked === true ? MAX_CANDIDATES : LIMIT + 1;
        expect(plan.nodes.filter((node) => /Seq Scan|Bitmap|Gather/u.test(node))).toEqual([]);
        expect(plan.indexes).toContain(shape.index);
        // A search looks into the index of each identifier.
        expect(plan.indexes.length).toBeLessThanOrEqual(shape.name.startsWith("q,") ? 5 : 1);
        expect(plan.rowsSorted).toBeLessThanOrEqual(perRange * MAX_RANGES);
        expect(plan.rowsRead).toBeLessThanOrEqual(perRange * (MAX_RANGES + 1));
      }
    },
  );
});

test("the rows of a page are read by a bitmap, ahead of need", async () => {
  await using connection = await openNoticingConnection(db.url);
  await connection.query("load 'auto_explain'");
  await connection.query(
    "set auto_explain.log_min_duration = 0; set auto_explain.log_nested_statements = on; set client_min_messages = log",
  );
  await connection.query("select count(*) from recordings_of_ids(array[1, 2, 30000, 99999])");
  const plan = connection.notices.find((notice) => notice.includes("id = any(ids)")) ?? "";
  expect(plan).toContain("Bitmap Heap Scan on recordings");
  expect(plan).toContain("Bitmap Index Scan on recordings_pkey");
});

test("no list depends on what the planner believes to be rare", async () => {
  await using there = await openTestCatalogue();
  await fillRecordings({ url: there.url, rows: 10_000, onProgress: () => {} });
  await sql`alter table recordings set (autovacuum_enabled = off)`.execute(there);
  // The statistics say that nothing is stored, and know neither the app nor the streams: one sorts before all that
  // they know, one among them, one after.
  await sql`
    update recordings set state = case when state = 'indexed' then 'stored' else state end, app = 'new.example.com',
      stream_id = (array['a', 'channel-1x', 'z'])[1 + id % 3]`.execute(there);
  const filters: [RecordingFilter, string][] = ["a", "channel-1x", "z"].flatMap((streamId) => [
    [{ streamId }, "recordings_by_stream_id_format"],
    [{ streamId, state: "stored" }, "recordings_by_stream_id_state"],
    [{ streamId, state: "failed", format: "aac" }, "recordings_by_stream_id_state"],
  ]);
  filters.push(
    [{ state: "stored" }, "recordings_by_state"],
    [{ app: "new.example.com" }, "recordings_by_app_format"],
    [{ app: "new.example.com", appname: "drill" }, "recordings_by_app_appname_format"],
    [{ app: "new.example.com", state: "failed" }, "recordings_by_app_state"],
    [
      { app: "new.example.com", appname: "event", state: "stored" },
      "recordings_by_app_appname_state",
    ],
  );
  for (const [filter, index] of filters) {
    const plan = await explain(there, listQuery(filter, null, LIMIT + 1));
    expect({ filter, indexes: plan.indexes }).toEqual({
      filter,
      indexes: [index],
    });
    expect(plan.rowsRead).toBeLessThanOrEqual((LIMIT + 1) * MAX_RANGES);
  }
});

test("the list of what is pending is read by time also where little is believed to be", async () => {
  await using there = await openTestCatalogue();
  await sql`alter table recordings set (autovacuum_enabled = off)`.execute(there);
  await sql`
    insert into recordings (identity, appid, stream_id, format, started_at, ended_at, declared_duration_s,
      declared_size_bytes, video_url, received_at, state)
    select i, '1', 's', 'hls', now(), now(), 1, 1, 'http://x/', now(), case when i > 10 then 'indexed' else 'pending' end
    from generate_series(1, 10000) as i`.execute(there);
  await sql`vacuum (analyze) recordings`.execute(there);
  await sql`update recordings set state = 'pending'`.execute(there);
  const plan = await explain(there, listQuery({ state: "pending" }, null, LIMIT + 1));
  expect(plan.indexes).toEqual(["recordings_pending_by_time"]);
  expect(plan.rowsRead).toBeLessThanOrEqual((LIMIT + 1) * 2);
});

describe("a filter that no index has", () => {
  async function walk(filter: RecordingFilter): Promise<{ items: Recording[]; sizes: number[] }> {
    const items: Recording[] = [];
    const sizes: number[] = [];
    let cursor: string | null = null;
    do {
      const page = await listRecordings(db, filter, { limit: 20, cursor });
      items.push(...page.items);
      sizes.push(page.items.length);
      cursor = page.nextCursor;
    } while (cursor !== null);
    return { items, sizes };
  }

  test.each([
    [
      { streamId: "channel-0", app: "test.example.com" },
      sql`stream_id = 'channel-0' and app = 'test.example.com'`,
    ],
    [
      {
        streamId: "channel-0",
        app: "test.example.com",
        appname: "event",
        state: "indexed" as const,
      },
      sql`stream_id = 'channel-0' and app = 'test.example.com' and appname = 'event' and state = 'indexed'`,
    ],
    [
      { q: "channel-0", format: "flv" as const, state: "failed" as const },
      sql`stream_id = 'channel-0' and format = 'flv' and state = 'failed'`,
    ],
    [{ streamId: "channel-0", app: "no-app" }, sql`false`],
  ])("finds every row once, on pages that may be short (%o)", async (filter, condition) => {
    const { rows } = await sql<{ id: string }>`
      select id from recordings where ${condition} order by started_at desc, id desc`.execute(db);
    const { items, sizes } = await walk(filter);
    expect(items.map(({ id }) => id)).toEqual(rows.map(({ id }) => id));
    // The busy stream has more rows than one page looks at.
    expect(sizes.slice(0, -1).some((size) => size < 20)).toBe(true);
  });

  test("no page looks at more rows than it may", async () => {
    const filter: RecordingFilter = { streamId: "channel-0", app: "no-app" };
    const page = await listRecordings(db, filter, { limit: 20, cursor: null });
    expect(page.items).toEqual([]);
    expect(page.nextCursor).not.toBeNull();
    const { rowsRead } = await explain(db, listQuery(filter, null, 21));
    // Each format's newest keys, and the rows of the newest of all.
    expect(rowsRead).toBeLessThanOrEqual(MAX_CANDIDATES * 5);
  });
});

test("every list of callbacks is read from one index", async () => {
  await sql`
    insert into callbacks (digest, outcome, event_type, recording_id, received_at, body, problems, conflicts, unknown_fields)
    select sha256(i::text::bytea), case when i % 1000 = 1 then 'invalid' when i % 1000 = 2 then 'unsupported' when i % 50 = 3 then 'conflict' else 'recorded' end,
      case when i % 1000 = 2 then '332' else '100' end, case when i % 1000 in (1, 2) then null else 1 end, now(), '', '[]', '[]', '[]'
    from generate_series(1, 30000) as i`.execute(db);
  await sql`analyze callbacks`.execute(db);
  const lists = [
    [{}, "callbacks_pkey"],
    [{ outcome: "conflict" }, "callbacks_by_outcome"],
    [{ eventType: "100" }, "callbacks_by_event_type"],
    [{ eventType: "100", outcome: "unsupported" }, "callbacks_by_event_type"],
    [{ eventType: "332", outcome: "recorded" }, "callbacks_by_event_type"],
    [{ eventType: "none" }, "callbacks_by_event_type"],
    [{ recordingId: "1" }, "callbacks_by_recording"],
  ] as const;
  for (const [filter, index] of lists) {
    for (const after of [null, ["15000"]] as const) {
      const plan = await explain(db, callbackListQuery(filter, after, LIMIT + 1));
      expect(plan.indexes.toSorted()).toEqual([...new Set([index, "callbacks_pkey"])].toSorted());
      expect(plan.nodes.join()).not.toContain("Seq Scan");
      expect(plan.rowsRead).toBeLessThanOrEqual((LIMIT + 2) * 6);
    }
  }
  const checked = { recordingId: "1", outcome: "conflict", eventType: "100" } as const;
  const plan = await explain(db, callbackListQuery(checked, null, LIMIT));
  expect(plan.indexes.toSorted()).toEqual(["callbacks_by_recording", "callbacks_pkey"]);
  // The candidates, once in the index and once in the table, and those shown.
  expect(plan.rowsRead).toBeLessThanOrEqual(MAX_CANDIDATES * 2 + LIMIT);
});
