import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRedis, mastersOf } from "@reelgate/shared/redis";
import { until } from "@reelgate/testkit/latch";
import { startTestRedis } from "@reelgate/testkit/redis-server";
import type { TestRedis } from "@reelgate/testkit/redis-server";
import { expect, test } from "vitest";
import { ServerWatch } from "../src/adapters/server-watch.ts";
import {
  callbackBody,
  command,
  jobIdOf,
  post,
  startTestIngress,
  waitingJobIds,
} from "./ingress-fixture.ts";

const ANSWER_WITHIN_MS = 2500;
const UNAVAILABLE = { status: 503, body: { code: 503, error: "queue_unavailable" } };
const TOO_FEW = "0 of 1 replicas of Redis acknowledged a write within 500 ms";

/** A primary, and a replica that has its data. */
async function startPair(): Promise<{ primary: TestRedis; replica: TestRedis } & AsyncDisposable> {
  await using stack = new AsyncDisposableStack();
  const primary = stack.use(
    await startTestRedis({ settings: { "repl-diskless-sync-delay": "0" } }),
  );
  const { password } = new URL(primary.url);
  const replica = stack.use(
    await startTestRedis({
      settings: { replicaof: `127.0.0.1 ${primary.port}`, masterauth: password },
    }),
  );
  await until(
    async () => String(await command(primary.url, "INFO", "replication")).includes("state=online"),
    {
      what: "a replica",
    },
  );
  const running = stack.move();
  return { primary, replica, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

test("G1: what is answered 200 is on the replica, and without it nothing is", async () => {
  await using pair = await startPair();
  const { primary, replica } = pair;
  await using ingress = await startTestIngress(primary.url, { redisMinReplicasAck: 1 });
  await ingress.untilReady();
  const bodies = Array.from({ length: 50 }, () => callbackBody());
  const answers = await Promise.all(bodies.map((body) => post(ingress.callbackUrl, body)));
  expect(answers.map(({ status }) => status)).toEqual(bodies.map(() => 200));
  expect((await waitingJobIds(replica.url)).toSorted()).toEqual(bodies.map(jobIdOf).toSorted());

  await replica.kill("SIGSTOP");
  const refused = await Promise.all(bodies.map(() => post(ingress.callbackUrl, callbackBody())));
  for (const answer of refused) {
    expect(answer).toMatchObject(UNAVAILABLE);
    expect(answer.tookMs).toBeLessThan(ANSWER_WITHIN_MS);
  }
  expect(await ingress.readiness()).toEqual({
    status: 503,
    body: { ready: false, reasons: [TOO_FEW] },
  });
  // Known to be too few, it refuses without waiting for them again.
  const known = await post(ingress.callbackUrl, callbackBody());
  expect(known).toMatchObject(UNAVAILABLE);
  expect(known.tookMs).toBeLessThan(450);

  await replica.kill("SIGCONT");
  await until(async () => (await post(ingress.callbackUrl, callbackBody())).status === 200);
  await ingress.untilReady();
  expect(ingress.log.withMessage("too few replicas of Redis acknowledge")).toHaveLength(1);
});

test("G1: without the replica callbacks go to the spool, and from there to both", async () => {
  await using pair = await startPair();
  const { primary, replica } = pair;
  const spoolDir = await mkdtemp(join(tmpdir(), "reelgate-replicas-"));
  await using ingress = await startTestIngress(primary.url, { redisMinReplicasAck: 1, spoolDir });
  await until(async () => (await ingress.metrics()).includes('redis_durable{app="ingress"} 1'), {
    what: "a Redis that is known to be durable",
  });
  await replica.kill("SIGKILL");
  const bodies = Array.from({ length: 20 }, () => callbackBody());
  for (const answer of await Promise.all(bodies.map((body) => post(ingress.callbackUrl, body)))) {
    expect(answer.status).toBe(200);
    expect(answer.tookMs).toBeLessThan(ANSWER_WITHIN_MS);
  }
  expect((await ingress.readiness()).body).toMatchObject({
    ready: true,
    notes: [TOO_FEW, expect.stringMatching(/^20 callbacks wait in the spool/u)],
  });
  await replica.restart();
  await until(async () => (await ingress.metrics()).includes('spool_callbacks{app="ingress"} 0'), {
    what: "an empty spool",
  });
  const replicated = new Set(await waitingJobIds(replica.url));
  expect(bodies.map(jobIdOf).filter((id) => !replicated.has(id))).toEqual([]);
  await ingress.stop();
  await rm(spoolDir, { recursive: true });
});

test("G1: a WAIT that is sent again on a new connection, where nothing was written, counts for nothing", async () => {
  await using pair = await startPair();
  const { primary, replica } = pair;
  const client = createRedis({
    url: primary.url,
    role: "producer",
    name: "test",
    onError: () => undefined,
  });
  const [server] = mastersOf(client);
  if (server === undefined) throw new Error("a client without a server");
  await until(() => client.status === "ready", { what: "the connection" });
  using watch = new ServerWatch({
    server,
    minReplicasAck: 1,
    recheckMs: 30_000,
    onChange: () => undefined,
    onReady: () => undefined,
  });
  await replica.kill("SIGSTOP");
  await client.set("reelgate:test", "1");
  const refusal = watch.replicaRefusal();
  await until(async () =>
    String(await command(primary.url, "CLIENT", "LIST")).includes(" cmd=wait "),
  );
  await command(primary.url, "CLIENT", "KILL", "TYPE", "normal");
  expect(await refusal).toBe(
    "the connection to Redis was lost before its replicas had acknowledged",
  );
  client.disconnect();
  await replica.kill("SIGCONT");
});

test("asking for more replicas than there are is told before the first callback", async () => {
  await using redis = await startTestRedis();
  await using ingress = await startTestIngress(redis.url, { redisMinReplicasAck: 1 });
  const { body } = await until(async () => {
    const readiness = await ingress.readiness();
    return JSON.stringify(readiness.body).includes("replicas") && readiness;
  });
  expect(body).toEqual({ ready: false, reasons: [TOO_FEW] });
  expect(await post(ingress.callbackUrl, callbackBody())).toMatchObject(UNAVAILABLE);
});
