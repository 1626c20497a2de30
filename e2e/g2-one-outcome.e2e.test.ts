import { migrateToLatest } from "@reelgate/catalogue/migrate";
import { startHalfOpenProxy } from "@reelgate/testkit/half-open-proxy";
import { until } from "@reelgate/testkit/latch";
import { startTestPostgres } from "@reelgate/testkit/postgres-server";
import { describe, expect, test } from "vitest";
import {
  allRecordings,
  audit,
  openJobs,
  outcomeCount,
  untilNoOpenJobs,
  untilSettled,
  untilVerified,
} from "@reelgate/testkit/catalogue-audit";
import { auditByCommand } from "@reelgate/testkit/audit-command";
import type { AuditEnd } from "@reelgate/testkit/audit-command";
import { inTenMinutes, postAll, recordingNamed, signed } from "./support/callbacks.ts";
import type { SignedCallback } from "./support/callbacks.ts";
import { startProduct } from "./support/product.ts";
import type { Product } from "./support/product.ts";

/**
 * Of every ten callbacks: five recordings, three of them told again with another `t`, one event of another type, one
 * that is invalid. Shuffled by a fixed stride, so that a duplicate is often on its way together with its original.
 */
function callbacks(count: number): SignedCallback[] {
  const t = inTenMinutes();
  const inOrder = Array.from({ length: count }, (_, index) => {
    const group = Math.floor(index / 10);
    const kind = index % 10;
    if (kind < 5) return signed(recordingNamed(`${group}-${kind}`), { t });
    if (kind < 8) return signed(recordingNamed(`${group}-${kind - 5}`), { t: t + 1 });
    if (kind === 8) return signed({ event_type: 1, stream_id: `${group}` }, { t });
    return signed(recordingNamed(`${group}-9`, { end_time: 1 }), { t });
  });
  const stride = 7;
  return Array.from({ length: stride }, (_, start) =>
    inOrder.filter((_callback, index) => index % stride === start),
  ).flat();
}

const CALLBACKS_ALONE = { WORKER_STAGES: "callbacks" };
/** Callbacks that a worker settles at a time. */
const IN_HAND = 8;

/** The lock of a job that was in hand at a crash lasts 30 s, and is looked for every 15 s. */
const SETTLED_MS = 120_000;

/** All of them have an outcome, none has two, and no callback is left in the queue. */
async function expectOneOutcomeEach(
  product: Product,
  sent: readonly SignedCallback[],
): Promise<void> {
  await untilSettled(product.db, sent.length, SETTLED_MS);
  await untilNoOpenJobs(product.redis.url, "callbacks", SETTLED_MS);
  const found = await audit(product.db);
  expect(found.ids.length).toBe(sent.length);
  expect(new Set(found.ids)).toEqual(new Set(sent.map(({ id }) => id)));
  expect(found.outcomes).toEqual({
    recorded: sent.length * 0.5,
    duplicate: sent.length * 0.3,
    unsupported: sent.length * 0.1,
    invalid: sent.length * 0.1,
  });
  expect(found.recordings).toBe(sent.length * 0.5);
  expect(found.countedByRecordings).toBe(sent.length * 0.8);
  expect(found.conflictsCountedByRecordings).toBe(0);
  expect(await auditOf(product, sent)).toEqual({ code: 0, violations: [] });
}

/** What an operator's audit says of it. */
const auditOf = (product: Product, sent: readonly SignedCallback[]): Promise<AuditEnd> =>
  auditByCommand(
    product,
    sent.map(({ id }) => id),
  );

/** Every recording has come to the end of stage 2 as well. */
async function expectAllLookedAt(product: Product): Promise<void> {
  await untilVerified(product.db, SETTLED_MS);
  const recordings = await allRecordings(product.db);
  expect(new Set(recordings.map(({ state, failure }) => `${state} ${failure?.code}`))).toEqual(
    new Set(["failed media_url_forbidden"]),
  );
}

function expectAllAccepted(statuses: readonly number[]): void {
  expect(statuses.filter((status) => status !== 200)).toEqual([]);
}

// Together, for most of their time is spent waiting for locks to expire.
describe.concurrent("G2: every acknowledged callback has one outcome", () => {
  test("when the worker is killed in the middle of 5,000", async () => {
    await using product = await startProduct();
    const ingress = await product.startIngress();
    const sent = callbacks(5000);
    const worker = await product.startWorker(CALLBACKS_ALONE);
    const sending = postAll(ingress.callbackUrl, sent.slice(0, 3000));
    await untilSettled(product.db, 1000);
    await worker.kill("SIGKILL");
    expect(await worker.exited).toEqual({ code: null, signal: "SIGKILL" });
    await Promise.all([sending, product.startWorker(CALLBACKS_ALONE)]);
    expectAllAccepted(await sending);
    // What the dead worker had in hand is in flight, and not lost.
    expect(await auditOf(product, sent.slice(0, 3000))).toEqual({ code: 0, violations: [] });
    expectAllAccepted(await postAll(ingress.callbackUrl, sent.slice(3000)));
    await expectOneOutcomeEach(product, sent);
    // One media job for each recording waits for stage 2, which nobody runs here.
    const { waiting, prioritized, ...others } = await openJobs(product.redis.url, "media");
    expect(others).toEqual({ active: 0, delayed: 0, failed: 0 });
    expect((waiting ?? 0) + (prioritized ?? 0)).toBe(2500);
  });

  test("when a worker is killed between the commit and the end of its jobs, and another goes on", async () => {
    await using product = await startProduct();
    await using toPostgres = await startHalfOpenProxy(Number(new URL(product.databaseUrl).port));
    await using toRedis = await startHalfOpenProxy(product.redis.port);
    const ingress = await product.startIngress();
    const sent = callbacks(500);
    const worker = await product.startWorker({
      DATABASE_URL: toPostgres.through(product.databaseUrl),
      REDIS_URL: toRedis.through(product.redis.url),
      CALLBACKS_CONCURRENCY: String(IN_HAND),
    });
    expectAllAccepted(await postAll(ingress.callbackUrl, sent.slice(0, 50)));
    await untilSettled(product.db, 50);
    await untilNoOpenJobs(product.redis.url, "callbacks", SETTLED_MS);
    // Its hands are full and held; then they are let go, but it can tell Redis nothing of what it has done.
    await toPostgres.set("blackhole");
    expectAllAccepted(await postAll(ingress.callbackUrl, sent.slice(50, 250)));
    const inHand = async (): Promise<boolean> =>
      (await openJobs(product.redis.url, "callbacks")).active === IN_HAND;
    await until(inHand, { what: "every place of the worker being taken", intervalMs: 50 });
    await toRedis.set("blackhole");
    await toPostgres.set("pass");
    await untilSettled(product.db, 50 + IN_HAND);
    await worker.kill("SIGKILL");
    expect(await outcomeCount(product.db)).toBe(50 + IN_HAND);
    expect(await inHand()).toBe(true);
    await product.startWorker();
    expectAllAccepted(await postAll(ingress.callbackUrl, sent.slice(250)));
    await expectOneOutcomeEach(product, sent);
    await expectAllLookedAt(product);
  });

  test("when Postgres is killed, and comes back", async () => {
    await using postgres = await startTestPostgres();
    await migrateToLatest(postgres.adminUrl);
    await using product = await startProduct({ databaseUrl: postgres.adminUrl });
    const ingress = await product.startIngress();
    const sent = callbacks(500);
    const worker = await product.startWorker();
    const sending = postAll(ingress.callbackUrl, sent.slice(0, 250));
    await untilSettled(product.db, 50);
    await postgres.kill("SIGKILL");
    // All of them are taken without Postgres.
    expectAllAccepted(await sending);
    expectAllAccepted(await postAll(ingress.callbackUrl, sent.slice(250)));
    await worker.log.waitFor(({ msg }) => msg?.startsWith("Postgres is away") === true);
    await postgres.restart();
    await expectOneOutcomeEach(product, sent);
    await expectAllLookedAt(product);
    expect(worker.log.lines.filter(({ level }) => level >= 60)).toEqual([]);
  });

  test("when the worker is told to stop, and started again", async () => {
    await using product = await startProduct();
    const ingress = await product.startIngress();
    const sent = callbacks(500);
    const worker = await product.startWorker({ SHUTDOWN_GRACE_MS: "15000" });
    const sending = postAll(ingress.callbackUrl, sent.slice(0, 250));
    await untilSettled(product.db, 50);
    await worker.stop();
    expect(await worker.exited).toEqual({ code: 0, signal: null });
    expect(worker.log.withMessage("stopped")).toHaveLength(1);
    // Nothing is in hand any more: what is left waits, for whoever comes next.
    expect(await openJobs(product.redis.url, "callbacks")).toMatchObject({ active: 0 });
    expectAllAccepted(await sending);
    expectAllAccepted(await postAll(ingress.callbackUrl, sent.slice(250)));
    await product.startWorker();
    await expectOneOutcomeEach(product, sent);
    await expectAllLookedAt(product);
  });
});
