import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { expect, test } from "vitest";
import { startHalfOpenProxy } from "./half-open-proxy.ts";
import { until } from "./latch.ts";

interface Echo extends AsyncDisposable {
  port: number;
  received(): string;
}

async function startEcho(): Promise<Echo> {
  let received = "";
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      received += chunk.toString();
      socket.write(chunk);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    received: () => received,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

interface Client extends Disposable {
  socket: Socket;
  answers(): string;
  /** The error code with which the connection ended, "closed" without one, null while it is open. */
  end(): string | null;
}

function startClient(port: number): Client {
  const socket = connect({ host: "127.0.0.1", port });
  let answers = "";
  let end: string | null = null;
  socket.on("data", (chunk) => {
    answers += chunk.toString();
  });
  socket.on("error", (error: NodeJS.ErrnoException) => {
    end = error.code ?? error.message;
  });
  socket.on("close", () => {
    end ??= "closed";
  });
  return {
    socket,
    answers: () => answers,
    end: () => end,
    [Symbol.dispose]: () => socket.destroy(),
  };
}

test("pass: bytes go both ways", async () => {
  await using echo = await startEcho();
  await using proxy = await startHalfOpenProxy(echo.port);
  using client = startClient(proxy.port);
  client.socket.write("ping");
  await until(() => client.answers() === "ping");
  expect(proxy.connectionCount).toBe(1);
  expect(proxy.acceptedCount).toBe(1);
});

test("refuse: open connections close, new ones are refused, until it passes again", async () => {
  await using echo = await startEcho();
  await using proxy = await startHalfOpenProxy(echo.port);
  using open = startClient(proxy.port);
  await once(open.socket, "connect");
  await until(() => proxy.connectionCount === 1);
  await proxy.set("refuse");
  await until(() => open.end() === "closed");
  using refused = startClient(proxy.port);
  await until(() => refused.end() === "ECONNREFUSED");
  await proxy.set("pass");
  using again = startClient(proxy.port);
  again.socket.write("back");
  await until(() => again.answers() === "back");
  expect(proxy.acceptedCount).toBe(2);
});

test("blackhole: nothing arrives either way, and goes on its way afterwards", async () => {
  await using echo = await startEcho();
  await using proxy = await startHalfOpenProxy(echo.port);
  using old = startClient(proxy.port);
  old.socket.write("1");
  await until(() => old.answers() === "1");
  await proxy.set("blackhole");
  old.socket.write("2");
  using fresh = startClient(proxy.port);
  fresh.socket.write("3");
  await until(() => proxy.connectionCount === 2);
  // A connection past the proxy shows that the server would have had time to get the bytes.
  using direct = startClient(echo.port);
  direct.socket.write("direct");
  await until(() => direct.answers() === "direct");
  expect(echo.received()).toBe("1direct");
  await proxy.set("pass");
  await until(() => old.answers() === "12" && fresh.answers() === "3");
});

test("half-open: requests arrive, answers are lost, and the connection is reset afterwards", async () => {
  await using echo = await startEcho();
  await using proxy = await startHalfOpenProxy(echo.port);
  using client = startClient(proxy.port);
  await once(client.socket, "connect");
  await proxy.set("half-open");
  client.socket.write("lost");
  await until(() => proxy.hungCount === 1);
  expect(echo.received()).toBe("lost");
  await proxy.set("pass");
  await until(() => client.end() === "ECONNRESET");
  expect(client.answers()).toBe("");
});

test("losesRepliesAfter: a connection hangs from the text on, others pass", async () => {
  await using echo = await startEcho();
  await using proxy = await startHalfOpenProxy(echo.port);
  await proxy.set({ losesRepliesAfter: "wait" });
  using hung = startClient(proxy.port);
  hung.socket.write("1");
  await until(() => hung.answers() === "1");
  hung.socket.write("wait");
  await until(() => echo.received() === "1wait");
  using other = startClient(proxy.port);
  other.socket.write("2");
  await until(() => other.answers() === "2");
  expect([hung.answers(), proxy.hungCount]).toEqual(["1", 1]);
});

test("reset: connections end with RST", async () => {
  await using echo = await startEcho();
  await using proxy = await startHalfOpenProxy(echo.port);
  using open = startClient(proxy.port);
  open.socket.write("x");
  await until(() => open.answers() === "x");
  await proxy.set("reset");
  await until(() => open.end() === "ECONNRESET");
  using fresh = startClient(proxy.port);
  await until(() => fresh.end() === "ECONNRESET");
  expect(proxy.connectionCount).toBe(0);
});

test("delay: bytes come later", async () => {
  await using echo = await startEcho();
  await using proxy = await startHalfOpenProxy(echo.port);
  await proxy.set({ delayMs: 40 });
  using client = startClient(proxy.port);
  const startedAtMs = performance.now();
  client.socket.write("late");
  await until(() => client.answers() === "late", { intervalMs: 1 });
  // Once in each direction; a timer may fire a millisecond early.
  expect(performance.now() - startedAtMs).toBeGreaterThanOrEqual(78);
});

test("delay: no byte overtakes another one when it ends", async () => {
  await using echo = await startEcho();
  await using proxy = await startHalfOpenProxy(echo.port);
  using client = startClient(proxy.port);
  client.socket.write("1");
  await until(() => client.answers() === "1");
  await proxy.set({ delayMs: 100 });
  client.socket.write("2");
  // The proxy has taken up the 2 by the time that it has accepted what came after it.
  using later = startClient(proxy.port);
  await until(() => proxy.connectionCount === 2);
  later.socket.write("+");
  await proxy.set("pass");
  client.socket.write("3");
  await until(() => client.answers().length === 3);
  expect(client.answers()).toBe("123");
});

test("a URL keeps all but its address", async () => {
  await using echo = await startEcho();
  await using proxy = await startHalfOpenProxy(echo.port);
  expect(proxy.through("redis://:secret@127.0.0.1:6379/0")).toBe(
    `redis://:secret@127.0.0.1:${proxy.port}/0`,
  );
});
