import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { closeDatabase, openDatabase } from "@reelgate/catalogue/database";
import type { CatalogueDatabase } from "@reelgate/catalogue/database";
import { requestRetry } from "@reelgate/catalogue/media-state";
import { settleCallback } from "@reelgate/catalogue/settle";
import type { CallbackToSettle } from "@reelgate/catalogue/settle";
import { createLatch } from "@reelgate/testkit/latch";
import { createTestDatabase } from "@reelgate/testkit/postgres";
import type { TestDatabase } from "@reelgate/testkit/postgres";
import { callbackJobOf, recordingBody } from "@reelgate/testkit/recording-body";
import { postgresCatalogue } from "../src/adapters/catalogue.ts";
import { judgedCallback } from "../src/handlers/judged-callback.ts";
import { unique } from "./running-worker.ts";

let database: TestDatabase;
let db: CatalogueDatabase;
const openWith = (statementTimeoutMs: number): CatalogueDatabase =>
  openDatabase({
    url: database.url,
    poolSize: 4,
    statementTimeoutMs,
    applicationName: "test",
    onError: () => {},
  });
beforeAll(async () => {
  database = await createTestDatabase();
  db = openWith(1000);
});
afterAll(async () => {
  await closeDatabase(db);
  await database.drop();
});

const callbackOf = (name: string, changes: Record<string, unknown> = {}): CallbackToSettle =>
  judgedCallback(callbackJobOf(recordingBody({ ...unique(name), ...changes })));

function inBatches(): { settle: ReturnType<typeof postgresCatalogue>["settle"]; sizes: number[] } {
  const sizes: number[] = [];
  const catalogue = postgresCatalogue(db, {
    maxBatchSize: 64,
    maxBatchesInFlight: 2,
    onBatch: (callbacks) => sizes.push(callbacks),
  });
  return { settle: (callback) => catalogue.settle(callback), sizes };
}

test("callbacks that come together share a transaction, and each gets its own settlement", async () => {
  const { settle, sizes } = inBatches();
  const settled = await Promise.all([
    settle(callbackOf("together-1")),
    settle(callbackOf("together-2")),
    settle(callbackOf("together-1", { t: 1 })),
    settle(callbackOf("together-1", { file_size: 1 })),
  ]);
  expect(settled.map(({ outcome }) => outcome)).toEqual([
    "recorded",
    "recorded",
    "duplicate",
    "conflict",
  ]);
  expect(settled[0]?.recordingId).toBe(settled[2]?.recordingId);
  expect(settled[0]?.recordingId).not.toBe(settled[1]?.recordingId);
  expect(sizes).toEqual([4]);
});

test("G2: a row that Postgres refuses for ever fails none of its neighbours", async () => {
  const { settle, sizes } = inBatches();
  const sound = Array.from({ length: 20 }, (_, n) => callbackOf(`neighbour-${n}`));
  const poison = callbackOf("poison");
  if (poison.verdict.kind !== "recording") throw new Error("the sample is a recording");
  const refused = {
    ...poison,
    verdict: { ...poison.verdict, event: { ...poison.verdict.event, sizeBytes: -1 } },
  };
  const all = [...sound.slice(0, 10), refused, ...sound.slice(10)];
  const settled = await Promise.allSettled(all.map(settle));
  expect(settled[10]).toMatchObject({ reason: { code: "catalogue_rejected" } });
  const others = settled.filter((_, index) => index !== 10);
  expect(others).toEqual(
    sound.map(() => expect.objectContaining({ status: "fulfilled" }) as unknown),
  );
  expect(sizes).toEqual([21, ...all.map(() => 1)]);
  // As the handler then does.
  const kept = await settle({ ...poison, verdict: { kind: "invalid", problems: [] } });
  expect(kept.outcome).toBe("invalid");
});

test("G2: a row that our own code cannot write fails none of its neighbours", async () => {
  const { settle, sizes } = inBatches();
  // Beyond what a date can be: a job's schema lets it through.
  const broken = { ...callbackOf("no-date"), receivedAtMs: Number.MAX_SAFE_INTEGER };
  const settled = await Promise.allSettled(
    [callbackOf("before-it"), broken, callbackOf("after-it")].map(settle),
  );
  expect(settled).toMatchObject([
    { value: { outcome: "recorded" } },
    { reason: expect.any(RangeError) },
    { value: { outcome: "recorded" } },
  ]);
  expect(sizes).toEqual([3, 1, 1, 1]);
});

test("G2: a recording that somebody keeps locked holds up its own callbacks alone", async () => {
  const { settle, sizes } = inBatches();
  const { recordingId } = await settleCallback(db, callbackOf("locked"));
  const [locked, letGo] = [createLatch(), createLatch()];
  // Postgres ends a transaction that idles for longer than its statements may take.
  const patient = openWith(60_000);
  onTestFinished(() => closeDatabase(patient));
  const holder = patient.transaction().execute(async (tx) => {
    await requestRetry(tx, recordingId ?? "");
    await tx
      .updateTable("recordings")
      .set({ media_attempts: 0 })
      .where("id", "=", recordingId)
      .execute();
    locked.open();
    await letGo.wait(20_000);
  });
  await locked.wait();
  const settled = await Promise.allSettled(
    [callbackOf("free-1"), callbackOf("locked", { t: 1 }), callbackOf("free-2")].map(settle),
  );
  // Tried again, it takes no batch with it a second time.
  const again = await Promise.allSettled(
    [callbackOf("free-3"), callbackOf("locked", { t: 1 }), callbackOf("free-4")].map(settle),
  );
  expect(sizes).toEqual([3, 2]);
  letGo.open();
  await holder;
  expect(again.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  expect(await settle(callbackOf("locked", { t: 1 }))).toMatchObject({ outcome: "duplicate" });
  await settle(callbackOf("locked", { t: 1 }));
  expect(sizes).toEqual([3, 2, 1]);
  expect(settled).toMatchObject([
    { value: { outcome: "recorded" } },
    { reason: { code: "catalogue_unavailable" } },
    { value: { outcome: "recorded" } },
  ]);
});
