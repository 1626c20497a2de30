import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sql } from "kysely";
import { until } from "@reelgate/testkit/latch";
import { startHalfOpenProxy } from "@reelgate/testkit/half-open-proxy";
import { pingDatabase } from "../src/database.ts";
import { settleCallback } from "../src/settle.ts";
import { open, sample } from "./settling.ts";
import { openTestCatalogue } from "./test-catalogue.ts";
import type { TestCatalogue } from "./test-catalogue.ts";

let db: TestCatalogue;
beforeAll(async () => {
  db = await openTestCatalogue();
});
afterAll(() => db[Symbol.asyncDispose]());

const UNAVAILABLE = { code: "catalogue_unavailable", retryable: true };

async function counts(): Promise<{ recordings: number; callbacks: number; counted: number }> {
  const { rows } = await sql<Record<"recordings" | "callbacks" | "counted", string>>`
    select (select count(*) from recordings) as recordings, (select count(*) from callbacks) as callbacks,
      (select coalesce(sum(callback_count), 0) from recordings) as counted`.execute(db);
  const [row] = rows;
  return {
    recordings: Number(row?.recordings),
    callbacks: Number(row?.callbacks),
    counted: Number(row?.counted),
  };
}

/** The backend of `applicationName: reelgate-test` that waits for a lock. */
async function waitingBackend(): Promise<number> {
  return await until(async () => {
    const { rows } = await sql<{ pid: number }>`
      select pid from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock' limit 1`.execute(db);
    return rows[0]?.pid;
  });
}

describe("G2 nothing is half when a connection dies in the middle", () => {
  test("after the recording was inserted, before the callback was", async () => {
    const before = await counts();
    const callback = sample({ file_id: "cut-1" });
    const blocked = await db.transaction().execute(async (blocker) => {
      // Uncommitted, with the same digest: the settling transaction waits for it with its recording inserted.
      await sql`
        insert into callbacks (digest, outcome, received_at, body, problems, conflicts, unknown_fields)
        values (${Buffer.from(callback.id.slice(3), "hex")}, 'unsupported', now(), '', '[]', '[]', '[]')`.execute(
        blocker,
      );
      const settling = settleCallback(db, callback).catch((error: unknown) => error);
      const pid = await waitingBackend();
      await sql`select pg_terminate_backend(${pid})`.execute(blocker);
      const failure = await settling;
      await sql`delete from callbacks where digest = ${Buffer.from(callback.id.slice(3), "hex")}`.execute(
        blocker,
      );
      return failure;
    });
    expect(blocked).toMatchObject(UNAVAILABLE);
    expect(await counts()).toEqual(before);

    await expect(settleCallback(db, callback)).resolves.toMatchObject({
      outcome: "recorded",
      repeated: false,
    });
    expect(await counts()).toEqual({
      recordings: before.recordings + 1,
      callbacks: before.callbacks + 1,
      counted: before.counted + 1,
    });
  });

  test("while a duplicate waits for its recording", async () => {
    await settleCallback(db, sample({ file_id: "cut-2" }));
    const before = await counts();
    const duplicate = sample({ file_id: "cut-2", t: 2 });
    const failure = await db.transaction().execute(async (blocker) => {
      await sql`select from recordings where file_id = 'cut-2' for update`.execute(blocker);
      const settling = settleCallback(db, duplicate).catch((error: unknown) => error);
      await sql`select pg_terminate_backend(${await waitingBackend()})`.execute(blocker);
      return await settling;
    });
    expect(failure).toMatchObject(UNAVAILABLE);
    expect(await counts()).toEqual(before);
    await expect(settleCallback(db, duplicate)).resolves.toMatchObject({ outcome: "duplicate" });
    expect(await counts()).toEqual({
      ...before,
      callbacks: before.callbacks + 1,
      counted: before.counted + 1,
    });
  });

  test("every connection killed again and again under load: each callback counts once", async () => {
    const before = await counts();
    const callbacks = Array.from({ length: 80 }, (_, t) =>
      sample({ file_id: `storm-${t % 8}`, t }),
    );
    let settledCount = 0;
    const failures: unknown[] = [];
    const settle = async (callback: (typeof callbacks)[number]): Promise<string> => {
      for (;;) {
        try {
          const { outcome } = await settleCallback(db, callback);
          settledCount += 1;
          return outcome;
        } catch (error) {
          failures.push(error);
        }
      }
    };
    await using killer = open(db.url, { poolSize: 1 });
    const all = Promise.all(callbacks.map(settle));
    let kills = 0;
    for (const done of [10, 20, 30, 40, 50, 60]) {
      await until(() => settledCount >= done, { timeoutMs: 40_000 });
      const { rows } = await sql`
        select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid()`.execute(killer);
      kills += rows.length;
    }
    await all;
    expect(kills).toBeGreaterThan(0);
    expect(failures).toEqual(failures.map(() => expect.objectContaining(UNAVAILABLE) as unknown));
    expect(await counts()).toEqual({
      recordings: before.recordings + 8,
      callbacks: before.callbacks + 80,
      counted: before.counted + 80,
    });
  }, 90_000);

  test("a commit whose answer is lost counts once", async () => {
    await using proxy = await startHalfOpenProxy(Number(new URL(db.url).port));
    await using remote = open(proxy.through(db.url), {
      poolSize: 1,
      statementTimeoutMs: 1000,
    });
    // Makes the commit itself wait until the test lets it go.
    await sql`create or replace function wait_at_commit() returns trigger language plpgsql as
      $$ begin perform pg_advisory_xact_lock(1); return null; end $$`.execute(db);
    await sql`create constraint trigger wait_at_commit after insert on callbacks
      deferrable initially deferred for each row execute function wait_at_commit()`.execute(db);
    const before = await counts();
    const callback = sample({ file_id: "commit-1" });
    const settling = await db.connection().execute(async (blocker) => {
      await sql`select pg_advisory_lock(1)`.execute(blocker);
      const failing = settleCallback(remote, callback).catch((error: unknown) => error);
      await waitingBackend();
      await proxy.set("half-open");
      await sql`select pg_advisory_unlock(1)`.execute(blocker);
      return failing;
    });
    expect(await settling).toMatchObject(UNAVAILABLE);
    await sql`drop trigger wait_at_commit on callbacks`.execute(db);
    await proxy.set("pass");

    await expect(settleCallback(remote, callback)).resolves.toMatchObject({
      outcome: "recorded",
      repeated: true,
      mediaJob: { generation: 0 },
    });
    expect(await counts()).toEqual({
      recordings: before.recordings + 1,
      callbacks: before.callbacks + 1,
      counted: before.counted + 1,
    });
  });
});

describe("connections", () => {
  test("one that no longer answers is given up, and not handed out again", async () => {
    await using proxy = await startHalfOpenProxy(Number(new URL(db.url).port));
    await using remote = open(proxy.through(db.url), {
      poolSize: 1,
      statementTimeoutMs: 100,
    });
    await pingDatabase(remote);
    expect(proxy.acceptedCount).toBe(1);
    await proxy.set("blackhole");
    await expect(pingDatabase(remote)).rejects.toThrow("Query read timeout");
    // The cut stays for the connection that was cut, as when a machine in between forgot it; new ones pass.
    await proxy.set("pass");
    await pingDatabase(remote);
    expect(proxy.acceptedCount).toBe(2);
  });

  test("a transaction that was left open is ended by the server, and its locks with it", async () => {
    await settleCallback(db, sample({ file_id: "left-open" }));
    await using vanished = open(db.url, { poolSize: 1, statementTimeoutMs: 100 });
    const left = vanished.transaction().execute(async (tx) => {
      await sql`select from recordings where file_id = 'left-open' for update`.execute(tx);
      await settleCallback(db, sample({ file_id: "left-open", t: 2 }));
      await sql`select 1`.execute(tx);
    });
    await expect(left).rejects.toThrow(
      /idle-in-transaction timeout|Connection terminated|connection error/u,
    );
    const after = await counts();
    expect(after.counted).toBe(after.callbacks);
  });
});
