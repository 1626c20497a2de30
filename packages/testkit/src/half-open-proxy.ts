import { connect, createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import { trackHandle } from "./open-handles.ts";

/**
 * What the proxy does with connections.
 *
 * - `pass`: forwards both ways.
 * - `refuse`: nothing listens (ECONNREFUSED); connections that were open are closed.
 * - `blackhole`: accepts, forwards nothing either way. What came meanwhile goes on its way when it passes again, as
 *   TCP does after a network was cut.
 * - `half-open`: what the client sends arrives, the answers are lost. Such connections are reset when the mode
 *   changes: with bytes missing they are of no use.
 * - `losesRepliesAfter`: passes, until a client has sent this text: what it is answered from then on is lost.
 * - `reset`: connections end with RST, new ones right after they were accepted.
 * - `delayMs`: forwards both ways, each chunk so much later.
 */
export type ProxyMode =
  | "pass"
  | "refuse"
  | "blackhole"
  | "half-open"
  | "reset"
  | { delayMs: number }
  | { losesRepliesAfter: string };

export interface HalfOpenProxy extends AsyncDisposable {
  readonly port: number;
  /** Connections that clients hold to the proxy now. */
  readonly connectionCount: number;
  /** How many connections were accepted since the start. */
  readonly acceptedCount: number;
  /** Connections of now on which answers are lost. */
  readonly hungCount: number;
  /** The same URL, by way of the proxy. */
  through(url: string): string;
  set(mode: ProxyMode): Promise<void>;
  stop(): Promise<void>;
}

interface Pair {
  client: Socket;
  upstream: Socket | null;
  lostReplies: boolean;
}

/**
 * A TCP proxy on 127.0.0.1 that fails on command, to stand between a client and a real server.
 *
 * @param ownPort where it listens; a free one is picked otherwise.
 */
export async function startHalfOpenProxy(targetPort: number, ownPort = 0): Promise<HalfOpenProxy> {
  const pairs = new Set<Pair>();
  let mode: ProxyMode = "pass";
  let acceptedCount = 0;

  /** Chunks under way to a socket, and when the last of them is due. */
  const late = new WeakMap<Socket, { chunks: Buffer[]; dueMs: number }>();

  const write = (chunk: Buffer | undefined, to: Socket): void => {
    if (chunk !== undefined && to.writable) to.write(chunk);
  };
  const forward = (chunk: Buffer, to: Socket): void => {
    const delayMs = typeof mode === "object" && "delayMs" in mode ? mode.delayMs : 0;
    const before = late.get(to) ?? { chunks: [], dueMs: 0 };
    if (delayMs === 0 && before.chunks.length === 0) {
      write(chunk, to);
      return;
    }
    // What comes after a delay has ended waits for what is still late: TCP never changes the order of bytes.
    const { chunks } = before;
    const nowMs = performance.now();
    const dueMs = Math.max(before.dueMs, nowMs + delayMs);
    chunks.push(chunk);
    late.set(to, { chunks, dueMs });
    setTimeout(() => write(chunks.shift(), to), dueMs - nowMs);
  };
  const drop = (pair: Pair, how: "close" | "reset"): void => {
    pairs.delete(pair);
    for (const socket of [pair.client, pair.upstream]) {
      if (how === "reset") socket?.resetAndDestroy();
      else socket?.destroy();
    }
  };
  const joinUpstream = (pair: Pair): void => {
    const upstream = connect({ host: "127.0.0.1", port: targetPort, noDelay: true });
    pair.upstream = upstream;
    pair.client.on("data", (chunk: Buffer) => {
      if (typeof mode === "object" && "losesRepliesAfter" in mode) {
        pair.lostReplies ||= chunk.includes(mode.losesRepliesAfter);
      }
      forward(chunk, upstream);
    });
    upstream.on("data", (chunk: Buffer) => {
      if (mode === "half-open") pair.lostReplies = true;
      if (!pair.lostReplies) forward(chunk, pair.client);
    });
    upstream.on("error", () => drop(pair, "reset"));
    upstream.on("close", () => {
      // In a black hole not even the end of a connection arrives.
      if (mode !== "blackhole") drop(pair, "close");
    });
  };
  const accept = (client: Socket): void => {
    acceptedCount += 1;
    if (mode === "reset") {
      client.resetAndDestroy();
      return;
    }
    const pair: Pair = { client, upstream: null, lostReplies: false };
    pairs.add(pair);
    client.setNoDelay(true);
    client.on("error", () => drop(pair, "close"));
    client.on("close", () => drop(pair, "close"));
    if (mode === "blackhole") client.pause();
    else joinUpstream(pair);
  };

  const server = createServer({ pauseOnConnect: false }, accept);
  const port = await listen(server, ownPort);

  const set = async (next: ProxyMode): Promise<void> => {
    mode = next;
    for (const pair of pairs) {
      if (next === "reset" || pair.lostReplies) drop(pair, "reset");
      else if (next === "refuse") drop(pair, "close");
      else if (next === "blackhole") {
        pair.client.pause();
        pair.upstream?.pause();
      } else if (pair.upstream === null) {
        joinUpstream(pair);
        pair.client.resume();
      } else if (pair.upstream.destroyed) drop(pair, "close");
      else {
        pair.client.resume();
        pair.upstream.resume();
      }
    }
    if (next === "refuse") await close(server);
    else if (!server.listening) await listen(server, port);
  };
  const stop = async (): Promise<void> => {
    for (const pair of pairs) drop(pair, "close");
    await close(server);
    untrack();
  };
  const untrack = trackHandle(`proxy on port ${port}`, stop);
  return {
    port,
    get connectionCount() {
      return pairs.size;
    },
    get hungCount() {
      return [...pairs].filter(({ lostReplies }) => lostReplies).length;
    },
    get acceptedCount() {
      return acceptedCount;
    },
    through(url) {
      const changed = new URL(url);
      changed.hostname = "127.0.0.1";
      changed.port = String(port);
      return changed.href;
    },
    set,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => {
      server.off("error", reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

function close(server: Server): Promise<void> {
  if (!server.listening) return Promise.resolve();
  return new Promise((resolve) => {
    server.close(() => resolve());
  });
}
