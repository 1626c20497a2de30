import { once } from "node:events";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { setInterval as ticks } from "node:timers/promises";
import { startTestRedis } from "@reelgate/testkit/redis-server";
import type { TestRedis } from "@reelgate/testkit/redis-server";
import { afterAll, beforeAll, expect, test } from "vitest";
import { callbackBody, post, startTestIngress } from "./ingress-fixture.ts";
import type { TestIngress } from "./ingress-fixture.ts";

let redis: TestRedis;
let ingress: TestIngress;
beforeAll(async () => {
  redis = await startTestRedis();
  ingress = await startTestIngress(redis.url);
  await ingress.untilReady();
});
afterAll(async () => {
  await ingress.stop();
  await redis.stop();
});

interface RawExchange {
  socket: Socket;
  /** Everything that was answered until the other side ended or broke the connection. */
  ended: Promise<{ text: string; reset: boolean; tookMs: number }>;
}

async function open(): Promise<RawExchange> {
  const startedAtMs = performance.now();
  const socket = connect(ingress.port, "127.0.0.1");
  let text = "";
  let reset = false;
  socket.setEncoding("utf8");
  socket.on("data", (chunk: string) => {
    text += chunk;
  });
  socket.on("error", () => {
    reset = true;
  });
  // Not by `once` of node:events, which rejects at an error: a reset is one of the ends.
  const closed = new Promise<void>((resolve) => {
    socket.once("close", () => resolve());
  });
  await once(socket, "connect");
  const ended = closed.then(() => ({ text, reset, tookMs: performance.now() - startedAtMs }));
  return { socket, ended };
}

/** Sends one byte of `text` every 100 ms, for as long as the connection lives. */
async function drip(socket: Socket, text: string): Promise<void> {
  let at = 0;
  for await (const _ of ticks(100)) {
    if (at === text.length || !socket.writable) return;
    socket.write(text.charAt(at++));
  }
}

const HEAD = "POST /callbacks/css HTTP/1.1\r\nHost: x\r\n";

test.concurrent("a client that says nothing is cut off", async () => {
  const { ended } = await open();
  expect((await ended).tookMs).toBeLessThan(15_000);
});

test.concurrent("slow headers are cut off, and others are served meanwhile", async () => {
  const { socket, ended } = await open();
  const dripping = drip(socket, HEAD + "X-Slow: ".padEnd(10_000, "x"));
  expect(await post(ingress.callbackUrl, callbackBody())).toMatchObject({ status: 200 });
  const { text, tookMs } = await ended;
  expect(text).toMatch(/^HTTP\/1\.1 408 /u);
  expect(tookMs).toBeLessThan(15_000);
  await dripping;
});

test.concurrent("a slow body is cut off", async () => {
  const { socket, ended } = await open();
  socket.write(`${HEAD}Content-Length: 5000\r\n\r\n`);
  const dripping = drip(socket, "x".repeat(5000));
  const { text, reset, tookMs } = await ended;
  // A byte that was on its way when the server closed resets the connection, and may take the answer with it.
  expect(text).toMatch(reset ? /^(HTTP\/1\.1 408 |$)/u : /^HTTP\/1\.1 408 /u);
  expect(tookMs).toBeLessThan(15_000);
  await dripping;
});

test.concurrent("slow bodies take no place from others", async () => {
  await using narrow = await startTestIngress(redis.url, { maxInFlight: 1 });
  await narrow.untilReady();
  const sockets = await Promise.all(
    Array.from({ length: 20 }, async () => {
      const socket = connect(narrow.port, "127.0.0.1");
      socket.on("error", () => undefined);
      await once(socket, "connect");
      socket.write(`${HEAD}Content-Length: 5000\r\n\r\n{`);
      return socket;
    }),
  );
  expect(await post(narrow.callbackUrl, callbackBody())).toMatchObject({ status: 200 });
  for (const socket of sockets) socket.destroy();
});

test.concurrent("a client that is still sending too much gets to read its 413", async () => {
  const size = 1_000_000;
  const heads = [
    `${HEAD}Content-Length: ${size}\r\nConnection: close\r\n\r\n`,
    `${HEAD}Content-Encoding: gzip\r\nContent-Length: ${size}\r\nConnection: close\r\n\r\n`,
    `POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: ${size}\r\nConnection: close\r\n\r\n`,
  ];
  const statuses = await Promise.all(
    heads.map(async (head) => {
      const { socket, ended } = await open();
      socket.write(head);
      for (let sent = 0; sent < size; sent += 10_000) {
        if (!socket.write("x".repeat(10_000))) await once(socket, "drain");
      }
      const { text, reset } = await ended;
      return [text.slice(9, 12), reset];
    }),
  );
  expect(statuses).toEqual([
    ["413", false],
    ["400", false],
    ["404", false],
  ]);
});

test.concurrent.each([
  ["very long headers", `${HEAD}X-Long: ${"x".repeat(20_000)}\r\n\r\n`, "431"],
  ["no HTTP at all", "\u0016\u0003\u0001 hello\r\n\r\n", "400"],
  ["a broken chunk", `${HEAD}Transfer-Encoding: chunked\r\n\r\nzz\r\n`, "400"],
  ["two lengths", `${HEAD}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab`, "400"],
  ["no host", "POST /callbacks/css HTTP/1.1\r\nContent-Length: 0\r\n\r\n", "400"],
])("%s is answered with a 4xx", async (_what, bytes, status) => {
  const { socket, ended } = await open();
  socket.write(bytes);
  expect((await ended).text.slice(9, 12)).toBe(status);
});

test("a client that goes away in the middle leaves nothing behind", async () => {
  const { socket, ended } = await open();
  socket.write(`${HEAD}Content-Length: 5000\r\n\r\n{"a":`);
  socket.destroy();
  await ended;
  expect(await post(ingress.callbackUrl, callbackBody())).toMatchObject({ status: 200 });
  expect(await ingress.metrics()).toContain('reelgate_ingress_in_flight{app="ingress"} 0');
});

test("a connection ends with its thousandth answer, also that of a client that would go on", async () => {
  const { socket, ended } = await open();
  socket.write("GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n".repeat(1000));
  const { text, tookMs } = await ended;
  expect(text.match(/HTTP\/1\.1 404 /gu)).toHaveLength(1000);
  expect(text.match(/^Connection: close\r$/gimu)).toHaveLength(1);
  expect(tookMs).toBeLessThan(20_000);
});
