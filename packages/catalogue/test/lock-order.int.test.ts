import { sql } from "kysely";
import type { RawBuilder } from "kysely";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { until } from "@reelgate/testkit/latch";
import { requestRetries } from "../src/bulk-retry.ts";
import { recordMediaFailure } from "../src/media-state.ts";
import { deleteCallbacks } from "../src/prune.ts";
import { settleCallback, settleCallbacks } from "../src/settle.ts";
import type { CallbackToSettle } from "../src/settle.ts";
import { sample } from "./settling.ts";
import { openTestCatalogue } from "./test-catalogue.ts";
import type { TestCatalogue } from "./test-catalogue.ts";

let db: TestCatalogue;
beforeAll(async () => {
  db = await openTestCatalogue();
});
afterAll(() => db[Symbol.asyncDispose]());

let lastFileId = 9_007_199_254_740_993_000n;

/** Recordings whose ids ascend while their identities, and their places in lists, do not. */
async function makeRecordings(): Promise<{ fileIds: string[]; ids: string[]; first: string[] }> {
  const fileIds = Array.from({ length: 4 }, () => String(++lastFileId)).toReversed();
  const ids: string[] = [];
  const first: string[] = [];
  for (const [n, file_id] of fileIds.entries()) {
    const callback = sample({ file_id, stream_id: "ordered", start_time: 1_642_089_400 + n });
    const { recordingId } = await settleCallback(db, callback);
    ids.push(recordingId ?? "");
    first.push(callback.id);
  }
  return { fileIds, ids, first };
}

/**
 * Holds one lock, lets `work` come to wait for it, and then asks for others: whoever works in the one order of all has
 * none of them yet. In any other order this would be the beginning of a deadlock.
 */
async function holdsNoneOf<T>(
  others: readonly RawBuilder<unknown>[],
  whileWaitingFor: RawBuilder<unknown>,
  work: () => Promise<T>,
): Promise<T> {
  const holder = await db.startTransaction().execute();
  try {
    // Before Postgres looks for deadlocks, after a second: it would end the work, which is then run again.
    await sql`set local lock_timeout = '300ms'`.execute(holder);
    await whileWaitingFor.execute(holder);
    const working = work();
    working.catch(() => {});
    await until(async () => (await waiting()) === 1, { what: "the work waits for the lock" });
    for (const other of others) await other.execute(holder);
    await holder.rollback().execute();
    return await working;
  } finally {
    if (!holder.isRolledBack) await holder.rollback().execute();
  }
}

async function waiting(): Promise<number> {
  const { rows } = await sql`select from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock'`.execute(db);
  return rows.length;
}

const recording = (id: string | undefined) =>
  sql`select from recordings where id = ${id} for no key update`;
const callbackRow = (id: string | undefined) =>
  sql`select from callbacks where digest = ${Buffer.from((id ?? "").slice(3), "hex")} for update`;

describe("nobody waits in a circle", () => {
  test("a batch locks recordings in the order of their ids", async () => {
    const { fileIds, ids } = await makeRecordings();
    const [lowest, ...higher] = ids;
    const batch = fileIds.map((file_id) => sample({ file_id, t: 1 }));
    const settled = await holdsNoneOf(higher.map(recording), recording(lowest), () =>
      settleCallbacks(db, batch),
    );
    expect(settled).toHaveLength(4);
  });

  test("a batch inserts recordings in the order of their identities", async () => {
    const callbacks = Array.from({ length: 4 }, () => sample({ file_id: String(++lastFileId) }));
    const [lowest, ...higher] = callbacks;
    const insert = ({ verdict }: CallbackToSettle) => {
      if (verdict.kind !== "recording") throw new Error("the sample is a recording");
      return sql`insert into recordings (identity, appid, app, appname, stream_id, format, started_at, ended_at, declared_duration_s,
          declared_size_bytes, video_url, received_at)
        values (${verdict.identity}, '', '', '', '', 'mp4', now(), now(), 0, 0, '', now())`;
    };
    if (lowest === undefined) throw new Error();
    const settled = await holdsNoneOf(higher.map(insert), insert(lowest), () =>
      settleCallbacks(db, callbacks.toReversed()),
    );
    expect(settled.map(({ outcome }) => outcome)).toEqual(callbacks.map(() => "recorded"));
  });

  test("a batch inserts callbacks without a recording in the order of their digests", async () => {
    const callbacks = Array.from({ length: 4 }, () => ({
      ...sample({ file_id: String(++lastFileId) }),
      verdict: { kind: "unsupported" as const },
    })).toSorted((a, b) => (a.id < b.id ? -1 : 1));
    const [lowest, ...higher] = callbacks;
    const insert = ({ id }: CallbackToSettle) => sql`
      insert into callbacks (digest, outcome, received_at, body, problems, conflicts, unknown_fields)
      values (${Buffer.from(id.slice(3), "hex")}, 'unsupported', now(), '', '[]', '[]', '[]')`;
    if (lowest === undefined) throw new Error();
    const settled = await holdsNoneOf(higher.map(insert), insert(lowest), () =>
      settleCallbacks(db, callbacks.toReversed()),
    );
    expect(settled).toHaveLength(4);
  });

  test("retention locks recordings in the order of their ids, and callbacks after them", async () => {
    const { ids, first } = await makeRecordings();
    await sql`update recordings set state = 'indexed' where id = any(${ids})`.execute(db);
    const [lowest, ...higher] = ids;
    const others = [...higher.map(recording), ...first.map(callbackRow)];
    const removed = await holdsNoneOf(others, recording(lowest), () =>
      deleteCallbacks(db, first, "2099-01-01T00:00:00.000Z"),
    );
    expect(removed).toBe(4);
  });

  test("a bulk retry locks recordings in the order of their ids", async () => {
    const { ids } = await makeRecordings();
    const failure = { code: "media_timeout", message: "slow", attempts: 1 } as const;
    for (const recordingId of ids) {
      const job = { recordingId, generation: 0 };
      await recordMediaFailure(db, job, { ...failure, final: true, report: null });
    }
    const [lowest, ...higher] = ids;
    const { jobs } = await holdsNoneOf(higher.map(recording), recording(lowest), () =>
      requestRetries(db, { state: "failed" }, { limit: 10, cursor: null }),
    );
    expect(jobs).toHaveLength(4);
  });
});
