import { readFile } from "node:fs/promises";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { createRedis } from "@reelgate/shared/redis";
import { until } from "@reelgate/testkit/latch";
import { afterAll, beforeAll, expect, test } from "vitest";
import { recordingNamed, signed } from "./support/callbacks.ts";
import { startProduct } from "./support/product.ts";
import type { Ingress, Product } from "./support/product.ts";
import { openConnection } from "./support/raw-http.ts";

const MIB = 1024 ** 2;
const MAX_IN_FLIGHT_BYTES = 16 * MIB;
const HEAD = "POST /callbacks/css HTTP/1.1\r\nHost: e2e\r\n";
/** Connections that are opened at a time. */
const BURST = 200;
/** An answer that comes later is none to the provider. */
const PROVIDER_TIMEOUT_MS = 20_000;
/** What half of them may take at most: as long as when Redis hangs. */
const ANSWER_MS = 2500;

const opened = new AsyncDisposableStack();
let product: Product;
let ingress: Ingress;
beforeAll(async () => {
  product = opened.use(await startProduct());
  // The disk has no part in it: what a busy one costs is tested elsewhere.
  const redis = createRedis({ url: product.redis.url, role: "worker", name: "e2e", onError() {} });
  await redis.config("SET", "appendfsync", "everysec");
  redis.disconnect();
  ingress = await product.startIngress({
    MAX_IN_FLIGHT_BYTES: `${MAX_IN_FLIGHT_BYTES}`,
    REDIS_DURABILITY: "warn",
  });
  await until(async () => (await fetch(`${ingress.opsUrl}/readyz`)).ok, {
    what: "the ingress being ready",
  });
  for (let round = 0; round < 20; round += 1) await honestCallback();
});
afterAll(() => opened.disposeAsync());

let serial = 0;
/** As the provider sends it, on a connection of its own. */
async function honestCallback(): Promise<number> {
  const { text } = signed(recordingNamed(`honest-${serial++}`));
  const startedAtMs = performance.now();
  await using connection = await openConnection(ingress.port);
  connection.write(`${HEAD}Connection: close\r\nContent-Length: ${text.length}\r\n\r\n${text}`);
  expect(await connection.untilClosed()).toMatch(/^HTTP\/1\.1 200 /u);
  return performance.now() - startedAtMs;
}

/** Callbacks are answered 200, and in time, while all of it goes on. */
async function expectServing(): Promise<void> {
  const tookMs = [];
  for (let round = 0; round < 10; round += 1) tookMs.push(await honestCallback());
  expect(Math.max(...tookMs)).toBeLessThan(PROVIDER_TIMEOUT_MS);
  expect(tookMs.toSorted((a, b) => a - b)[5]).toBeLessThan(ANSWER_MS);
}

async function residentBytes(): Promise<number> {
  const status = await readFile(`/proc/${ingress.pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB$/mu.exec(status)?.[1]) * 1024;
}

async function metric(name: string): Promise<number> {
  const lines = (await (await fetch(`${ingress.opsUrl}/metrics`)).text()).split("\n");
  return Number(
    lines
      .find((line) => line.startsWith(`${name}{`))
      ?.split(" ")
      .at(-1),
  );
}

/** Connections that send `bytes` and then nothing; those that the ingress closes stay closed. */
async function flood(count: number, bytes: string | null): Promise<Socket[]> {
  const sockets: Socket[] = [];
  while (sockets.length < count) {
    const some = Array.from({ length: Math.min(BURST, count - sockets.length) }, () => {
      // From several addresses: the ports of one are too few for repeated runs.
      const localAddress = `127.0.0.${2 + ((sockets.length / BURST) % 50)}`;
      const socket = connect({ port: ingress.port, host: "127.0.0.1", localAddress });
      socket.on("error", () => {});
      return socket;
    });
    await Promise.all(
      some.map(
        (socket) =>
          new Promise<void>((resolve) => {
            socket.once("close", () => resolve());
            socket.once("connect", () => {
              if (bytes === null) resolve();
              else socket.write(bytes, () => resolve());
            });
          }),
      ),
    );
    sockets.push(...some);
  }
  return sockets;
}

async function endFlood(sockets: readonly Socket[]): Promise<void> {
  for (const socket of sockets) socket.destroy();
  // The connections of this test's own callbacks and scrapes stay.
  await until(async () => (await metric("reelgate_ingress_connections")) < 10, {
    what: "all connections being closed",
  });
  await until(async () => (await metric("reelgate_ingress_body_bytes")) === 0, {
    what: "no body being held",
  });
}

test("10,500 idle connections shut nobody out, and take bounded memory", async () => {
  const before = await residentBytes();
  const sockets = await flood(10_500, null);
  await expectServing();
  expect(await residentBytes()).toBeLessThan(before + 250 * MIB);
  // The one that was closed last may still be counted.
  expect(await metric("reelgate_ingress_connections")).toBeLessThanOrEqual(10_010);
  await until(async () => (await metric("reelgate_ingress_connections_dropped_total")) >= 500, {
    what: "the oldest connections being closed",
  });
  await endFlood(sockets);
});

test.each([
  ["in the middle of a header", `${HEAD}X-Slow: ${"x".repeat(6000)}`],
  ["in the middle of 64 KB", `${HEAD}Content-Length: 65536\r\n\r\n{"a":"${"x".repeat(32_768)}`],
])(
  "1,000 connections that stop %s shut nobody out, and take bounded memory",
  async (_what, bytes) => {
    const before = await residentBytes();
    const sockets = await flood(1000, bytes);
    await expectServing();
    // 1,000 half bodies are 32 MB.
    expect(await metric("reelgate_ingress_body_bytes")).toBeLessThanOrEqual(MAX_IN_FLIGHT_BYTES);
    expect(await residentBytes()).toBeLessThan(before + 150 * MIB);
    await endFlood(sockets);
  },
);

test("a client that asks 50,000 times on one connection and reads nothing is bounded, and cut off", async () => {
  const before = await residentBytes();
  const request = `${HEAD}Content-Length: 2\r\n\r\n{}`;
  const [socket] = await flood(1, request.repeat(50_000));
  await expectServing();
  expect(await residentBytes()).toBeLessThan(before + 100 * MIB);
  expect(await metric("reelgate_ingress_in_flight")).toBe(0);
  await endFlood(socket === undefined ? [] : [socket]);
});

test("a request with more than a hundred headers is refused, and one with a hundred is not", async () => {
  const statusWith = async (count: number): Promise<string> => {
    const more = Array.from({ length: count - 2 }, (_, at) => `X-${at}: x\r\n`).join("");
    await using connection = await openConnection(ingress.port);
    connection.write(`${HEAD}${more}Content-Length: 2\r\n\r\n{}`);
    return (await connection.untilReceived("\r\n\r\n")).slice(9, 12);
  };
  expect([await statusWith(100), await statusWith(101)]).toEqual(["400", "431"]);
});
