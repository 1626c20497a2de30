import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { createHistogram } from "node:perf_hooks";
import { finished } from "node:stream/promises";
import { callbackBodies } from "./callback-bodies.ts";
import type { LoadMessage, LoadOrder, LoadReport } from "./callback-load.ts";

/** Pause before a callback that was not taken is sent again. */
const AGAIN_MS = 200;
const TICK_MS = 2;
const REPORT_MS = 1000;
/** Longer than any answer may take: a hang is counted as a broken connection. */
const ANSWER_MS = 30_000;

/** A callback, and when it should leave. */
interface Due {
  n: number;
  dueMs: number;
}

async function send(order: LoadOrder): Promise<void> {
  const bodies = callbackBodies(order.t);
  const head = [
    "POST /callbacks/css HTTP/1.1",
    `Host: 127.0.0.1:${order.port}`,
    "Content-Type: application/json",
    `Content-Length: ${bodies.sizeBytes}`,
    "\r\n",
  ].join("\r\n");
  const latencyUs = createHistogram();
  const taken = new Uint8Array(order.count);
  const again: Due[] = [];
  const refused: Record<string, number> = {};
  let acknowledged = 0;
  let broken = 0;
  let begun = 0;
  let underWay = 0;
  const startedMs = performance.now();

  const report = (): LoadReport => ({
    acknowledged,
    refused,
    broken,
    elapsedMs: performance.now() - startedMs,
    p50Ms: latencyUs.percentile(50) / 1000,
    p99Ms: latencyUs.percentile(99) / 1000,
    maxMs: acknowledged === 0 ? 0 : latencyUs.max / 1000,
  });
  const tell = (kind: LoadMessage["kind"]): void => {
    process.send?.({ kind, report: report() } satisfies LoadMessage);
  };
  const isOver = (): boolean =>
    begun >= order.count ||
    (order.durationMs !== null && performance.now() - startedMs >= order.durationMs);

  /** The next callback that is due, or null while there is none. */
  const next = (): Due | null => {
    const nowMs = performance.now();
    const [repeated] = again;
    if (repeated !== undefined && repeated.dueMs <= nowMs) {
      again.shift();
      return repeated;
    }
    if (isOver()) return null;
    const dueMs = order.ratePerS === null ? nowMs : startedMs + (begun * 1000) / order.ratePerS;
    if (dueMs > nowMs) return null;
    return { n: begun++, dueMs };
  };

  const idle: ((due: Due) => void)[] = [];
  const all = Promise.withResolvers<void>();
  const checkEnd = (): void => {
    if (underWay === 0 && again.length === 0 && isOver()) all.resolve();
  };

  const run = (): void => {
    const socket: Socket = connect({ host: "127.0.0.1", port: order.port, noDelay: true });
    socket.setTimeout(ANSWER_MS);
    let current: Due | null = null;
    let received = "";
    const begin = (due: Due): void => {
      current = due;
      underWay++;
      socket.setTimeout(ANSWER_MS);
      socket.write(head + bodies.text(order.first + due.n));
    };
    const proceed = (): void => {
      const due = next();
      if (due !== null) {
        begin(due);
        return;
      }
      socket.setTimeout(0);
      idle.push(begin);
      checkEnd();
    };
    const answered = (status: string): void => {
      if (current === null) return;
      underWay--;
      if (status === "200") {
        taken[current.n] = 1;
        acknowledged++;
        latencyUs.record(Math.max(1, Math.round((performance.now() - current.dueMs) * 1000)));
      } else {
        refused[status] = (refused[status] ?? 0) + 1;
        again.push({ n: current.n, dueMs: performance.now() + AGAIN_MS });
      }
      current = null;
    };
    socket.setEncoding("latin1");
    socket.once("connect", proceed);
    socket.on("data", (chunk: string) => {
      received += chunk;
      const end = received.indexOf("\r\n\r\n");
      if (end === -1) return;
      const length = Number(/\r\ncontent-length: (\d+)/iu.exec(received)?.[1] ?? 0);
      if (received.length < end + 4 + length) return;
      const status = received.slice(9, 12);
      const isLast = /\r\nconnection: close\r\n/iu.test(received);
      received = "";
      answered(status);
      if (!isLast) proceed();
    });
    socket.once("timeout", () => socket.destroy());
    // "close" follows.
    socket.on("error", () => {});
    socket.once("close", () => {
      if (idle.includes(begin)) idle.splice(idle.indexOf(begin), 1);
      if (current !== null) {
        broken++;
        underWay--;
        again.push({ n: current.n, dueMs: performance.now() + AGAIN_MS });
      }
      setTimeout(run, AGAIN_MS);
    });
  };
  for (let n = 0; n < order.connections; n++) run();

  const ticking = setInterval(() => {
    while (idle.length > 0) {
      const due = next();
      if (due === null) break;
      idle.shift()?.(due);
    }
    checkEnd();
  }, TICK_MS);
  const telling = setInterval(() => tell("progress"), REPORT_MS);
  await all.promise;
  clearInterval(ticking);
  clearInterval(telling);
  const last = report();
  if (order.acknowledgedFile !== null) {
    const file = createWriteStream(order.acknowledgedFile);
    for (const [n, isTaken] of taken.entries()) {
      if (isTaken === 1 && !file.write(`${bodies.id(order.first + n)}\n`))
        await once(file, "drain");
    }
    file.end();
    await finished(file);
  }
  process.send?.({ kind: "end", report: last } satisfies LoadMessage, () => process.exit());
}

const [, started, order] = process.argv;
if (started === import.meta.filename && order !== undefined && process.send !== undefined) {
  await send(JSON.parse(order) as LoadOrder);
}
