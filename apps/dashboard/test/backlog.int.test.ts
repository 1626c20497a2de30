import { Queue, Worker } from "bullmq";
import { callbackJobId, QUEUE_PREFIX, QUEUES } from "@reelgate/shared/contract/jobs";
import { createLatch, until } from "@reelgate/testkit/latch";
import { createTestDatabase } from "@reelgate/testkit/postgres";
import { startTestRedis } from "@reelgate/testkit/redis-server";
import { expect, test } from "vitest";
import { openCatalogue } from "./open-catalogue.ts";
import { startDashboard } from "./running-dashboard.ts";
import type { RunningDashboard } from "./running-dashboard.ts";
import { eventBody, seed } from "./seed.ts";

/** Samples of the dashboard by name and labels. */
async function scrape({ opsUrl }: RunningDashboard): Promise<Map<string, number>> {
  const text = await (await fetch(`${opsUrl}/metrics`)).text();
  return new Map(
    [...text.matchAll(/^(reelgate_\w+(?:\{.*\})?) (\S+)$/gmu)].map(([, key = "", value]) => [
      key.replace(/,?app="dashboard"/u, "").replace("{}", ""),
      Number(value),
    ]),
  );
}

/** What was so old at the beginning of the test is a little older by now. */
function expectAge(ageS: number | undefined, atLeastS: number): void {
  expect(ageS).toBeGreaterThanOrEqual(atLeastS);
  expect(ageS).toBeLessThan(atLeastS + 60);
}

test("the backlog is shown with its age, and disappears with Redis", async () => {
  await using stack = new AsyncDisposableStack();
  const redis = stack.use(await startTestRedis());
  const database = stack.use(await createTestDatabase());
  const db = openCatalogue(stack, database.url);
  await seed(db, { body: eventBody(), receivedAtMs: Date.now() - 90_000 });
  const { hostname: host, port, password } = new URL(redis.url);
  const connection = { host, port: Number(port), password, maxRetriesPerRequest: null };
  const open = (name: string): Queue =>
    stack.adopt(new Queue(name, { prefix: QUEUE_PREFIX, connection }), (queue) => queue.close());
  const [callbacks, media] = [open(QUEUES.callbacks), open(QUEUES.media)];
  for (const queue of [callbacks, media]) queue.on("error", () => {});
  const ago = (seconds: number): number => Date.now() - seconds * 1000;
  const id = (text: string): string => callbackJobId(Buffer.from(text));
  // The first is the oldest of those that wait, whatever came after it.
  await callbacks.add("callback", {}, { jobId: id("a"), timestamp: ago(500) });
  await callbacks.add("callback", {}, { jobId: id("b"), timestamp: ago(400) });
  await callbacks.add("callback", {}, { jobId: id("c"), timestamp: ago(300) });
  await media.add("media", {}, { jobId: "rec-1-0", priority: 1, timestamp: ago(200) });
  await media.add("media", {}, { jobId: "rec-2-0", priority: 1, timestamp: ago(100) });
  await media.add("media", {}, { jobId: "rec-3-0", delay: 3_600_000, timestamp: ago(1000) });

  const dashboard = stack.use(
    await startDashboard({ redisUrl: redis.url, databaseUrl: database.url }),
  );
  const first = await until(
    async () => {
      const shown = await scrape(dashboard);
      return shown.get("reelgate_redis_up") === 1 && shown;
    },
    { what: "Redis being known to answer", timeoutMs: 20_000, intervalMs: 200 },
  );
  const age = (from: Map<string, number>, queue: string, state: string): number | undefined =>
    from.get(`reelgate_queue_oldest_age_seconds{queue="${queue}",state="${state}"}`);
  expect(first.get('reelgate_queue_jobs{queue="callbacks",state="waiting"}')).toBe(3);
  expect(first.get('reelgate_queue_jobs{queue="media",state="delayed"}')).toBe(1);
  expectAge(age(first, "callbacks", "waiting"), 500);
  expect(age(first, "callbacks", "active")).toBe(0);
  // The delayed one is older, and not due.
  expectAge(age(first, "media", "waiting"), 200);
  expect(first.get("reelgate_recordings_pending")).toBe(1);
  expectAge(first.get("reelgate_recordings_pending_oldest_age_seconds"), 90);
  expect(first.get("reelgate_redis_memory_used_bytes")).toBeGreaterThan(100_000);
  expect(first.get("reelgate_redis_memory_max_bytes")).toBeGreaterThanOrEqual(0);

  // Scrapes within the age of a reading see what the first one saw.
  const release = createLatch("the jobs may end");
  const worker = new Worker(QUEUES.callbacks, () => release.wait(60_000), {
    prefix: QUEUE_PREFIX,
    connection,
    concurrency: 1,
  });
  worker.on("error", () => {});
  await until(async () => (await callbacks.getActiveCount()) === 1, { what: "a job in hand" });
  const taken = await until(
    async () => {
      const shown = await scrape(dashboard);
      return shown.get('reelgate_queue_jobs{queue="callbacks",state="active"}') === 1 && shown;
    },
    { what: "a new reading", timeoutMs: 20_000, intervalMs: 200 },
  );
  expectAge(age(taken, "callbacks", "waiting"), 400);
  expect(age(taken, "callbacks", "active")).toBeLessThan(30);
  release.open();
  await worker.close();

  await redis.kill("SIGKILL");
  const away = await until(
    async () => {
      const shown = await scrape(dashboard);
      const left = [...shown.keys()].filter((key) => /^reelgate_(?:queue|redis)_/u.test(key));
      return left.join() === "reelgate_redis_up" && shown;
    },
    { what: "nothing being left of Redis but its absence", timeoutMs: 20_000, intervalMs: 200 },
  );
  expect(away.get("reelgate_redis_up")).toBe(0);
  expect(away.get("reelgate_postgres_up")).toBe(1);
});
