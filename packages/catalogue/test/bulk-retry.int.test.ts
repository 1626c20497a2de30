import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { until } from "@reelgate/testkit/latch";
import { requestRetries } from "../src/bulk-retry.ts";
import { recordMediaFailure } from "../src/media-state.ts";
import { getRecording } from "../src/recordings.ts";
import { settleCallback } from "../src/settle.ts";
import { sample } from "./settling.ts";
import { openTestCatalogue } from "./test-catalogue.ts";
import type { TestCatalogue } from "./test-catalogue.ts";

let db: TestCatalogue;
beforeAll(async () => {
  db = await openTestCatalogue();
});
afterAll(() => db[Symbol.asyncDispose]());

async function failed(name: string): Promise<string> {
  const { recordingId } = await settleCallback(db, sample({ file_id: name, stream_id: "retried" }));
  const id = recordingId ?? "";
  await recordMediaFailure(
    db,
    { recordingId: id, generation: 0 },
    { code: "media_timeout", message: "slow", attempts: 1, final: true, report: null },
  );
  return id;
}

const isWaitedForALock = async (): Promise<boolean> => {
  const { rows } = await sql`select 1 from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock'`.execute(db);
  return rows.length > 0;
};

describe("a retry of a page", () => {
  test("leaves a recording alone that left the filter's state after the page was read", async () => {
    const id = await failed("leaves");
    const other = await failed("stays");
    const { promise: changed, resolve: change } = Promise.withResolvers<void>();
    const { promise: locked, resolve: isLocked } = Promise.withResolvers<void>();
    const changing = db.transaction().execute(async (transaction) => {
      await transaction
        .updateTable("recordings")
        .set({ state: "indexed" })
        .where("id", "=", id)
        .execute();
      isLocked();
      await changed;
    });
    await locked;
    const retrying = requestRetries(db, { state: "failed" }, { limit: 10, cursor: null });
    await until(isWaitedForALock);
    change();
    await changing;
    expect(await retrying).toEqual({
      jobs: [{ recordingId: other, generation: 1 }],
      skipped: 1,
      nextCursor: null,
    });
    expect((await getRecording(db, id))?.state).toBe("indexed");
  });
});
