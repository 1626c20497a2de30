import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sql } from "kysely";
import { OUTCOMES, RECORDING_STATES } from "@reelgate/shared/contract/recording";
import type { Callback } from "@reelgate/shared/contract/recording";
import { MAX_PAGE_BODY_BYTES, getCallback, listCallbacks } from "../src/callback-log.ts";
import type { CallbackFilter } from "../src/callback-log.ts";
import { MAX_CANDIDATES } from "../src/list-query.ts";
import { getRecording, listRecordings } from "../src/recordings.ts";
import { settleCallback } from "../src/settle.ts";
import { countCatalogue } from "../src/stats.ts";
import { callbackOf, sample } from "./settling.ts";
import { openTestCatalogue, walkPages } from "./test-catalogue.ts";
import type { TestCatalogue } from "./test-catalogue.ts";

let db: TestCatalogue;
let recordingIds: string[];

/** Eight recordings, each with one callback that made it, five that repeat it and five that contradict it. */
beforeAll(async () => {
  db = await openTestCatalogue();
  for (let n = 0; n < 8; n++) await settleCallback(db, sample({ file_id: `file-${n}` }));
  for (let n = 0; n < 40; n++) {
    const file_id = `file-${n % 8}`;
    await settleCallback(db, sample({ file_id, t: `dup-${n}` }));
    await settleCallback(db, sample({ file_id, file_size: n }));
    await settleCallback(
      db,
      callbackOf(`{"n":${n}}`, {
        eventType: n % 3 === 0 ? null : "332",
        verdict: n % 2 === 0 ? { kind: "unsupported" } : { kind: "invalid", problems: [] },
      }),
    );
  }
  const { items } = await listRecordings(db, {}, { limit: 100, cursor: null });
  recordingIds = items.map(({ id }) => id);
});
afterAll(() => db[Symbol.asyncDispose]());

describe("pages of callbacks", () => {
  const key = ({ outcome, eventType }: Callback): string => `${outcome} ${eventType}`;
  let every: Callback[];
  beforeAll(async () => {
    every = (await walkPages((page) => listCallbacks(db, {}, page), 100)).flat();
  });

  test.each<CallbackFilter>([
    {},
    ...OUTCOMES.map((outcome) => ({ outcome })),
    { eventType: "100" },
    { eventType: "332" },
    { eventType: "none" },
    ...OUTCOMES.flatMap((outcome) => [
      { outcome, eventType: "100" },
      { outcome, eventType: "332" },
    ]),
  ])("%o", async (filter) => {
    const wanted = every.filter(
      ({ outcome, eventType }) =>
        (filter.outcome ?? outcome) === outcome && (filter.eventType ?? eventType) === eventType,
    );
    for (const limit of [1, 7, 200]) {
      const pages = await walkPages((page) => listCallbacks(db, filter, page), limit);
      expect(pages.flat().map(({ id }) => id)).toEqual(wanted.map(({ id }) => id));
      if (limit === 1 && wanted.length > 60) break;
    }
    expect(new Set(wanted.map(key)).size).toBeLessThanOrEqual(OUTCOMES.length * 3);
  });

  test("of a recording, whatever else is asked of them", async () => {
    const [first = "", second = ""] = recordingIds;
    const others = [{}, { outcome: "conflict" as const }, { eventType: "100" }, { eventType: "1" }];
    for (const recordingId of [first, second]) {
      for (const other of others) {
        const wanted = every.filter(
          (one) =>
            one.recordingId === recordingId &&
            (other.outcome ?? one.outcome) === one.outcome &&
            (other.eventType ?? one.eventType) === one.eventType,
        );
        for (const limit of [1, 4, 200]) {
          const filter = { ...other, recordingId };
          const pages = await walkPages((page) => listCallbacks(db, filter, page), limit);
          expect(pages.flat().map(({ id }) => id)).toEqual(wanted.map(({ id }) => id));
        }
      }
    }
    expect(every.filter(({ recordingId }) => recordingId === first)).toHaveLength(11);
  });

  test.each(["0", "9223372036854775807", "9223372036854775808", "x", ""])(
    "of the recording %j there are none",
    async (recordingId) => {
      const page = await listCallbacks(db, { recordingId }, { limit: 10, cursor: null });
      expect(page).toEqual({ items: [], nextCursor: null });
    },
  );

  test("a search that no index has stops at its bound and goes on from there", async () => {
    const { recordingId } = await settleCallback(db, sample({ file_id: "busy" }));
    await sql`
      insert into callbacks (digest, outcome, event_type, recording_id, received_at, body, problems, conflicts, unknown_fields)
      select sha256(i::text::bytea), 'duplicate', '100', ${recordingId}, now(), '{}', '[]', '[]', '[]'
      from generate_series(1, 1200) as i`.execute(db);
    const filter = { recordingId: recordingId ?? "", outcome: "recorded" as const };
    const pages = await walkPages((page) => listCallbacks(db, filter, page), 10);
    const before = Array.from({ length: Math.floor(1200 / MAX_CANDIDATES) }, () => 0);
    expect(pages.map((page) => page.length)).toEqual([...before, 1]);
  });

  test("a page ends where its bodies are too large together, and shows each once", async () => {
    const body = (n: number): string => JSON.stringify({ n, large: "x".repeat(60_000) });
    for (let n = 0; n < 40; n++) {
      await settleCallback(
        db,
        callbackOf(body(n), { eventType: "large", verdict: { kind: "unsupported" } }),
      );
    }
    const pages = await walkPages((page) => listCallbacks(db, { eventType: "large" }, page), 200);
    const perPage = Math.ceil(MAX_PAGE_BODY_BYTES / body(10).length);
    expect(pages.map((page) => page.length)).toEqual([perPage, perPage, 40 - 2 * perPage]);
    expect(new Set(pages.flat().map(({ id }) => id)).size).toBe(40);
    await sql`delete from callbacks where event_type = 'large'`.execute(db);
  });

  test("a recording shows fewer of its callbacks when their bodies are large", async () => {
    const large = "x".repeat(60_000);
    const { recordingId } = await settleCallback(db, sample({ file_id: "large", large }));
    for (let t = 1; t <= 30; t++) await settleCallback(db, sample({ file_id: "large", large, t }));
    const recording = await getRecording(db, recordingId ?? "");
    expect(recording?.callbackCount).toBe(31);
    expect(recording?.callbacks).toHaveLength(Math.ceil(MAX_PAGE_BODY_BYTES / 61_000));
  });

  test("a recording shows its callbacks, oldest first, two hundred at most", async () => {
    const { recordingId } = await settleCallback(db, sample({ file_id: "many" }));
    for (let t = 1; t <= 210; t++) await settleCallback(db, sample({ file_id: "many", t }));
    const recording = await getRecording(db, recordingId ?? "");
    expect(recording?.callbackCount).toBe(211);
    expect(recording?.callbacks).toHaveLength(200);
    expect(recording?.callbacks[0]?.outcome).toBe("recorded");
  });

  test("the counts are those of the lists", async () => {
    const counted = await countCatalogue(db);
    const callbacks = (await walkPages((page) => listCallbacks(db, {}, page), 200)).flat();
    const recordings = (await walkPages((page) => listRecordings(db, {}, page), 200)).flat();
    expect(counted.callbacks.total).toBe(callbacks.length);
    for (const outcome of OUTCOMES) {
      expect(counted.callbacks.byOutcome[outcome]).toBe(
        callbacks.filter((one) => one.outcome === outcome).length,
      );
    }
    for (const state of RECORDING_STATES) {
      expect(counted.recordings.byState[state]).toBe(
        recordings.filter((one) => one.state === state).length,
      );
    }
    expect(counted.recordings).toMatchObject({ total: recordings.length, withFindings: 0 });
  });

  test.each(["0", "-1", "", "x", "9223372036854775807", "9223372036854775808", "1e3", "1.5"])(
    "there is no recording %j",
    async (id) => {
      await expect(getRecording(db, id)).resolves.toBeNull();
    },
  );

  test.each(["", "cb-", "x", `cb-${"0".repeat(64)}`, `cb-${"G".repeat(64)}`])(
    "there is no callback %j",
    async (id) => {
      await expect(getCallback(db, id)).resolves.toBeNull();
    },
  );
});
