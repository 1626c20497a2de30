import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startHalfOpenProxy } from "@reelgate/testkit/half-open-proxy";
import { until } from "@reelgate/testkit/latch";
import { startTestRedis } from "@reelgate/testkit/redis-server";
import type { TestRedis } from "@reelgate/testkit/redis-server";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  callbackBody,
  command,
  jobIdOf,
  post,
  startTestIngress,
  waitingJobIds,
} from "./ingress-fixture.ts";
import type { TestIngress } from "./ingress-fixture.ts";

let spoolDir: string;
beforeEach(async () => {
  spoolDir = await mkdtemp(join(tmpdir(), "reelgate-ingress-spool-"));
});
afterEach(() => rm(spoolDir, { recursive: true }));

const ACCEPTED = { status: 200, body: { code: 0 } };

/** Callbacks sent together, all accepted; gives the ids of their jobs. */
async function acceptedJobs(ingress: TestIngress, count: number): Promise<string[]> {
  const bodies = Array.from({ length: count }, () => callbackBody());
  const replies = await Promise.all(bodies.map((body) => post(ingress.callbackUrl, body)));
  for (const reply of replies) expect(reply).toMatchObject(ACCEPTED);
  return bodies.map(jobIdOf);
}

/** With a spool an ingress is ready before Redis is: this waits until Redis takes the callbacks. */
const untilRedisTakes = (ingress: TestIngress): Promise<unknown> =>
  until(
    async () => {
      const { body } = await ingress.readiness();
      const { notes = [] } = body as { notes?: string[] };
      return notes.every((note) => note.startsWith("the event loop"));
    },
    { what: "Redis taking callbacks" },
  );

const metric = async (ingress: TestIngress, name: string): Promise<number> => {
  const line = (await ingress.metrics()).split("\n").find((one) => one.startsWith(`${name}{`));
  return Number(line?.split(" ").at(-1));
};

async function expectDrained(
  ingress: TestIngress,
  redis: TestRedis,
  ids: readonly string[],
): Promise<void> {
  await until(async () => (await metric(ingress, "reelgate_ingress_spool_callbacks")) === 0, {
    what: "an empty spool",
    timeoutMs: 15_000,
  });
  const waiting = await waitingJobIds(redis.url);
  expect(ids.filter((id) => !waiting.includes(id))).toEqual([]);
  expect(new Set(waiting).size).toBe(waiting.length);
}

test("G1: while Redis is away callbacks are accepted into the spool, and come to the queue when it is back", async () => {
  await using redis = await startTestRedis();
  await using ingress = await startTestIngress(redis.url, { spoolDir });
  await untilRedisTakes(ingress);
  const before = await acceptedJobs(ingress, 5);
  await redis.kill("SIGKILL");
  const during = await acceptedJobs(ingress, 50);
  // Where a command is lost with its connection, the connection is what is missed a moment later.
  await until(
    async () => {
      const { status, body } = await ingress.readiness();
      const { notes } = body as { notes?: string[] };
      return (
        status === 200 &&
        /^Redis is not connected; 50 callbacks wait in the spool, the oldest for \d+ s$/u.test(
          notes?.join("; ") ?? "",
        )
      );
    },
    { what: "the notes of a spool in use" },
  );
  expect(await metric(ingress, "reelgate_ingress_spool_callbacks")).toBe(50);
  expect(await metric(ingress, "reelgate_ingress_spool_bytes")).toBeGreaterThan(50 * 100);
  expect(await metric(ingress, "reelgate_ingress_spool_oldest_age_seconds")).toBeGreaterThan(0);
  await redis.restart();
  await expectDrained(ingress, redis, [...before, ...during]);
  const after = await acceptedJobs(ingress, 5);
  expect(await metric(ingress, "reelgate_ingress_spooled_total")).toBe(50);
  expect(await metric(ingress, "reelgate_ingress_spool_drained_total")).toBe(50);
  expect(await waitingJobIds(redis.url)).toEqual(expect.arrayContaining(after));
});

test("G1: a half-open Redis costs an answer its timeout, and not the callback", async () => {
  await using redis = await startTestRedis();
  await using proxy = await startHalfOpenProxy(redis.port);
  await using ingress = await startTestIngress(proxy.through(redis.url), { spoolDir });
  await untilRedisTakes(ingress);
  await proxy.set("half-open");
  const ids = await acceptedJobs(ingress, 20);
  await proxy.set("pass");
  await expectDrained(ingress, redis, ids);
});

test("what waited in the spool comes to the queue in the order in which it was received", async () => {
  await using redis = await startTestRedis();
  await using ingress = await startTestIngress(redis.url, { spoolDir });
  await untilRedisTakes(ingress);
  await redis.kill("SIGKILL");
  const ids: string[] = [];
  for (let index = 0; index < 70; index += 1) ids.push(...(await acceptedJobs(ingress, 1)));
  await redis.restart();
  await expectDrained(ingress, redis, ids);
  // The list has its youngest in front.
  expect((await waitingJobIds(redis.url)).toReversed()).toEqual(ids);
});

test("a Redis that may lose what it acknowledges gets nothing; the spool keeps it", async () => {
  await using redis = await startTestRedis();
  await using ingress = await startTestIngress(redis.url, { spoolDir }, { recheckMs: 50 });
  await untilRedisTakes(ingress);
  await command(redis.url, "CONFIG", "SET", "appendfsync", "everysec");
  await until(async () => {
    await acceptedJobs(ingress, 1);
    return (await metric(ingress, "reelgate_ingress_spool_callbacks")) > 0;
  });
  await command(redis.url, "CONFIG", "SET", "appendfsync", "always");
  await expectDrained(ingress, redis, []);
});

test("what an ingress left in the spool is sent by the next one", async () => {
  await using redis = await startTestRedis();
  let ids: string[];
  {
    await using first = await startTestIngress(redis.url, { spoolDir });
    await untilRedisTakes(first);
    await redis.kill("SIGKILL");
    ids = await acceptedJobs(first, 10);
  }
  await redis.restart();
  await using second = await startTestIngress(redis.url, { spoolDir });
  await untilRedisTakes(second);
  await expectDrained(second, redis, ids);
});

test("what a replica left that is gone is sent by another one", async () => {
  await using redis = await startTestRedis();
  const ids: string[] = [];
  {
    // Two at a time, so that each has a folder of its own.
    await using first = await startTestIngress(redis.url, { spoolDir });
    await using second = await startTestIngress(redis.url, { spoolDir });
    await Promise.all([untilRedisTakes(first), untilRedisTakes(second)]);
    await redis.kill("SIGKILL");
    ids.push(...(await acceptedJobs(first, 5)), ...(await acceptedJobs(second, 5)));
  }
  await using alone = await startTestIngress(redis.url, { spoolDir });
  await until(async () => (await metric(alone, "reelgate_ingress_spool_orphan_callbacks")) === 5, {
    what: "the other folder being seen",
    timeoutMs: 15_000,
  });
  await redis.restart();
  await until(async () => (await metric(alone, "reelgate_ingress_spool_orphan_callbacks")) === 0, {
    what: "the other folder being empty",
    timeoutMs: 15_000,
  });
  await expectDrained(alone, redis, ids);
});

test("a full spool and no Redis: 503, and not ready", async () => {
  await using redis = await startTestRedis();
  await using ingress = await startTestIngress(redis.url, { spoolDir, spoolMaxBytes: 4000 });
  await untilRedisTakes(ingress);
  await redis.kill("SIGKILL");
  const statuses: number[] = [];
  for (let index = 0; index < 30; index += 1) {
    statuses.push((await post(ingress.callbackUrl, callbackBody())).status);
  }
  expect(new Set(statuses)).toEqual(new Set([200, 503]));
  expect(statuses).toEqual(statuses.toSorted((a, b) => a - b));
  expect(await ingress.readiness()).toEqual({
    status: 503,
    body: { ready: false, reasons: ["Redis is not connected", "the spool is full"] },
  });
  await redis.restart();
  await expectDrained(ingress, redis, []);
  await ingress.untilReady();
  await acceptedJobs(ingress, 1);
});
