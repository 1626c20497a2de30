import { once } from "node:events";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { until } from "@reelgate/testkit/latch";
import { startTestRedis } from "@reelgate/testkit/redis-server";
import type { TestRedis } from "@reelgate/testkit/redis-server";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { callbackBody, command, startTestIngress } from "./ingress-fixture.ts";
import type { TestIngress } from "./ingress-fixture.ts";

let redis: TestRedis;
beforeAll(async () => {
  redis = await startTestRedis();
});
afterAll(() => redis.stop());

/** At its end it waits for no connection that is still open. */
const NARROW = { maxConnections: 3, shutdownGraceMs: 1000 };

interface Connection {
  socket: Socket;
  text: () => string;
  isClosed: () => boolean;
}

async function open({ port }: TestIngress): Promise<Connection> {
  const socket = connect(port, "127.0.0.1");
  onTestFinished(() => {
    socket.destroy();
  });
  let text = "";
  let isClosed = false;
  socket.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
  });
  socket.on("error", () => undefined);
  socket.once("close", () => {
    isClosed = true;
  });
  await once(socket, "connect");
  return { socket, text: () => text, isClosed: () => isClosed };
}

const requestOf = (body: string): string =>
  `POST /callbacks/css HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

const untilConnections = (ingress: TestIngress, count: number): Promise<unknown> =>
  until(async () =>
    (await ingress.metrics()).includes(`reelgate_ingress_connections{app="ingress"} ${count}\n`),
  );

test("beyond MAX_CONNECTIONS who was served last stays longest, and who was served once has no place for ever", async () => {
  await using ingress = await startTestIngress(redis.url, NARROW);
  await ingress.untilReady();
  const first = await open(ingress);
  const served = await open(ingress);
  await untilConnections(ingress, 2);
  first.socket.write(requestOf(callbackBody()));
  await until(() => first.text().includes('{"code":0}'));
  served.socket.write(requestOf(callbackBody()));
  await until(() => served.text().includes('{"code":0}'));
  const idle = await open(ingress);
  await untilConnections(ingress, 3);
  await open(ingress);
  await until(() => first.isClosed(), { what: "the oldest being closed" });
  expect([served.isClosed(), idle.isClosed()]).toEqual([false, false]);
  await open(ingress);
  await until(() => served.isClosed(), { what: "the next one being closed" });
  expect(idle.isClosed()).toBe(false);
});

test("beyond MAX_CONNECTIONS a connection whose callback has arrived is answered first", async () => {
  await using ingress = await startTestIngress(redis.url, NARROW);
  await ingress.untilReady();
  const oldest = await open(ingress);
  const idle = await open(ingress);
  await untilConnections(ingress, 2);
  await command(redis.url, "CLIENT", "PAUSE", "700", "WRITE");
  oldest.socket.write(requestOf(callbackBody()));
  await until(async () => (await ingress.metrics()).includes('_in_flight{app="ingress"} 1'));
  await open(ingress);
  await open(ingress);
  await until(() => idle.isClosed(), { what: "the idle one being closed" });
  await until(() => oldest.text() !== "" || oldest.isClosed(), { what: "the answer" });
  expect(oldest.text()).toMatch(/^HTTP\/1\.1 200 /u);
});

test("callbacks that arrive together are counted when their bodies are here", async () => {
  await using ingress = await startTestIngress(redis.url, { maxInFlight: 1 });
  await ingress.untilReady();
  const [one, two] = [await open(ingress), await open(ingress)];
  const [first, second] = [requestOf(callbackBody()), requestOf(callbackBody())];
  // Both are past the first look before either has arrived.
  one.socket.write(first.slice(0, -1));
  two.socket.write(second.slice(0, -1));
  await until(async () => {
    const held = /ingress_body_bytes\{app="ingress"\} (\d+)/u.exec(await ingress.metrics())?.[1];
    return Number(held) > first.length;
  });
  await command(redis.url, "CLIENT", "PAUSE", "700", "WRITE");
  one.socket.write(first.slice(-1));
  await until(async () => (await ingress.metrics()).includes('_in_flight{app="ingress"} 1'));
  two.socket.write(second.slice(-1));
  await until(() => two.text().includes("overloaded"));
  expect(two.text()).toMatch(/^HTTP\/1\.1 503 [^]*\r\nretry-after: 1\r\n/iu);
  expect(one.text()).toBe("");
  await until(() => one.text().includes('{"code":0}'));
});

test("the body that gives way to others is answered 503 with Retry-After, and its connection is closed", async () => {
  await using ingress = await startTestIngress(redis.url, { maxInFlightBytes: 20_000 });
  await ingress.untilReady();
  const slow = await open(ingress);
  slow.socket.write(requestOf("x".repeat(60_000)).slice(0, 15_000));
  await until(async () =>
    /ingress_body_bytes\{app="ingress"\} 1\d{4}\n/u.test(await ingress.metrics()),
  );
  const other = await open(ingress);
  other.socket.write(requestOf(callbackBody({ stream_param: "x".repeat(10_000) })));
  await until(() => other.text().includes('{"code":0}'));
  await until(() => slow.isClosed(), { what: "the slow one being closed", timeoutMs: 3000 });
  expect(slow.text()).toMatch(/^HTTP\/1\.1 503 [^]*\r\nretry-after: 1\r\n[^]*"overloaded"/iu);
});

test("a connection on which nothing moves is closed", async () => {
  await using ingress = await startTestIngress(redis.url, {}, { timeouts: { silenceMs: 300 } });
  const silent = await open(ingress);
  const openedAtMs = performance.now();
  await until(() => silent.isClosed(), { what: "the silent one being closed" });
  // Long before the time for headers is over.
  expect(performance.now() - openedAtMs).toBeLessThan(4000);
});
