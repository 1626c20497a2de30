import { createProducer } from "@reelgate/shared/adapters/bullmq-producer";
import { QUEUES } from "@reelgate/shared/contract/jobs";
import type { CallbackJob } from "@reelgate/shared/contract/jobs";
import { createRedis } from "@reelgate/shared/redis";
import { until } from "@reelgate/testkit/latch";
import { startTestRedis } from "@reelgate/testkit/redis-server";
import { expect, test } from "vitest";
import { bullmqCallbackQueue } from "../src/adapters/bullmq-callback-queue.ts";
import type { BullmqCallbackQueueOptions } from "../src/adapters/bullmq-callback-queue.ts";
import type { CallbackQueue, EnqueueResult } from "../src/ingest/ports.ts";
import {
  callbackBody,
  command,
  jobIdOf,
  post,
  startTestIngress,
  waitingJobIds,
} from "./ingress-fixture.ts";

interface TestQueue extends AsyncDisposable {
  enqueue: (body: string) => Promise<EnqueueResult>;
  /** How many callbacks each command had. */
  commits: number[];
}

async function startQueue(
  url: string,
  options: Partial<BullmqCallbackQueueOptions> = {},
): Promise<TestQueue> {
  const client = createRedis({ url, role: "producer", name: "test", onError: () => undefined });
  await until(() => client.status === "ready", { what: "the connection" });
  const producer = createProducer<CallbackJob>({
    queue: QUEUES.callbacks,
    connection: client,
    onError: () => undefined,
  });
  const commits: number[] = [];
  const queue: CallbackQueue = bullmqCallbackQueue({
    queue: producer,
    client,
    refusal: () => null,
    beginCommit: () => async () => null,
    onCommit: (callbacks) => commits.push(callbacks),
    ...options,
  });
  return {
    commits,
    enqueue: (body) =>
      queue.enqueue(jobIdOf(body), {
        body,
        receivedAtMs: 1,
        requestId: "test",
        remoteAddress: null,
        keyIndex: 0,
      }),
    async [Symbol.asyncDispose]() {
      client.disconnect();
    },
  };
}

const bodies = (count: number): string[] => Array.from({ length: count }, () => callbackBody());

test("G1: callbacks that come together are stored together, each under its own id", async () => {
  await using redis = await startTestRedis();
  await using queue = await startQueue(redis.url);
  const sent = bodies(200);
  const results = await Promise.all(sent.map((body) => queue.enqueue(body)));
  expect(results).toEqual(sent.map(() => ({ stored: true })));
  expect((await waitingJobIds(redis.url)).toReversed()).toEqual(sent.map(jobIdOf));
  expect(queue.commits.reduce((sum, size) => sum + size)).toBe(200);
  expect(Math.max(...queue.commits)).toBe(32);
});

test("G1: a callback that Redis refuses alone fails none of those beside it", async () => {
  await using redis = await startTestRedis();
  // Half of all ids are closed to this user: what it may not read ends the command of the whole batch.
  const allowed = [
    "~reelgate:callbacks:cb-[0-7]*",
    "~reelgate:callbacks:[a-bd-z]*",
    "~reelgate:callbacks:completed",
  ];
  await command(redis.url, "ACL", "SETUSER", "half", "on", ">half", "+@all", ...allowed);
  const url = new URL(redis.url);
  [url.username, url.password] = ["half", "half"];
  await using queue = await startQueue(url.href);
  const sent = bodies(32);
  const isAllowed = (body: string): boolean => /^cb-[0-7]/u.test(jobIdOf(body));
  expect(new Set(sent.map(isAllowed)).size).toBe(2);
  const results = await Promise.all(sent.map((body) => queue.enqueue(body)));
  expect(results.map(({ stored }) => stored)).toEqual(sent.map(isAllowed));
  expect((await waitingJobIds(redis.url)).toReversed()).toEqual(
    sent.filter(isAllowed).map(jobIdOf),
  );
});

test("G1: what may not be acknowledged any more when its turn comes is not sent", async () => {
  await using redis = await startTestRedis();
  let reason: string | null = null;
  await using queue = await startQueue(redis.url, { refusal: () => reason });
  const results = bodies(3).map((body) => queue.enqueue(body));
  reason = "no longer durable";
  expect(await Promise.all(results)).toEqual(results.map(() => ({ stored: false, reason })));
  expect(await waitingJobIds(redis.url)).toEqual([]);
});

test("G1: what may not be acknowledged any more when it is stored is not acknowledged", async () => {
  await using redis = await startTestRedis();
  const reasons = [null, null, "another Redis"];
  await using queue = await startQueue(redis.url, { refusal: () => reasons.shift() ?? null });
  const [body = ""] = bodies(1);
  expect(await queue.enqueue(body)).toEqual({ stored: false, reason: "another Redis" });
  expect(await waitingJobIds(redis.url)).toEqual([jobIdOf(body)]);
});

test("while Redis is frozen, those who wait for their turn end in time too", async () => {
  await using redis = await startTestRedis();
  await using queue = await startQueue(redis.url);
  await redis.kill("SIGSTOP");
  const startedAtMs = performance.now();
  const results = await Promise.all(bodies(500).map((body) => queue.enqueue(body)));
  expect(performance.now() - startedAtMs).toBeLessThan(2500);
  expect(results.filter(({ stored }) => stored)).toEqual([]);
  await redis.kill("SIGCONT");
});

test("a slow Redis is not sent what has been given up: neither memory nor whoever comes next waits for it", async () => {
  await using redis = await startTestRedis();
  await using queue = await startQueue(redis.url, { deadlineMs: 300 });
  await command(redis.url, "CLIENT", "PAUSE", "1000", "WRITE");
  const results = await Promise.all(bodies(500).map((body) => queue.enqueue(body)));
  expect(results.filter(({ stored }) => stored)).toEqual([]);
  // Four batches were under way.
  const underWay = 4 * 32;
  await until(async () => (await waitingJobIds(redis.url)).length >= underWay, {
    what: "what was under way",
  });
  expect(await queue.enqueue(callbackBody())).toEqual({ stored: true });
  expect(await waitingJobIds(redis.url)).toHaveLength(underWay + 1);
});

test("how many callbacks share a command is a metric", async () => {
  await using redis = await startTestRedis();
  await using ingress = await startTestIngress(redis.url);
  await ingress.untilReady();
  await Promise.all(bodies(20).map((body) => post(ingress.callbackUrl, body)));
  const figure = (name: string, metrics: string): number =>
    Number(new RegExp(`^${name}\\{app="ingress"\\} (\\d+)$`, "mu").exec(metrics)?.[1]);
  const metrics = await ingress.metrics();
  expect(figure("reelgate_ingress_commit_callbacks_sum", metrics)).toBe(20);
  expect(figure("reelgate_ingress_commit_callbacks_count", metrics)).toBeLessThanOrEqual(20);
});
