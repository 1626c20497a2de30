import { fork } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { percentile } from "./figures.ts";
import { requestNumber, requestTemplate } from "./ingress-callbacks.ts";

export interface ConstantRateOptions {
  port: number;
  ratePerS: number;
  seconds: number;
  connections: number;
  firstSerial: number;
}

export interface Latency {
  answered: number;
  failed: number;
  p50Ms: number;
  p99Ms: number;
}

/**
 * Sends callbacks at a constant rate, whether or not earlier ones are answered (an open loop), from a process of its own.
 * Each latency counts from the moment at which its callback was due: a server that stalls is charged for everyone who
 * would have come meanwhile.
 */
export async function loadAtConstantRate(options: ConstantRateOptions): Promise<Latency> {
  const child = fork(import.meta.filename, [JSON.stringify(options)]);
  const [latency] = (await once(child, "message")) as [Latency];
  if (child.exitCode === null) await once(child, "exit");
  return latency;
}

/** One keep-alive connection with at most one request under way. */
interface Connection {
  socket: Socket;
  dueAtMs: number;
}

async function send(options: ConstantRateOptions): Promise<Latency> {
  const template = requestTemplate(options.port);
  const total = Math.round(options.ratePerS * options.seconds);
  const idle: Connection[] = [];
  const waitingDueAtMs: number[] = [];
  const latenciesMs: number[] = [];
  let failed = 0;
  let serial = options.firstSerial;

  const request = (connection: Connection, dueAtMs: number): void => {
    connection.dueAtMs = dueAtMs;
    connection.socket.write(requestNumber(template, serial++));
  };
  const { promise: ended, resolve: end, reject } = Promise.withResolvers<void>();
  for (let n = 0; n < options.connections; n++) {
    const socket = connect({ port: options.port, host: "127.0.0.1", noDelay: true });
    await once(socket, "connect");
    const connection = { socket, dueAtMs: 0 };
    idle.push(connection);
    // An answer is far smaller than a packet of the loopback, and comes in one.
    socket.on("data", (chunk) => {
      if (!chunk.subarray(0, 13).equals(OK)) failed++;
      latenciesMs.push(performance.now() - connection.dueAtMs);
      const next = waitingDueAtMs.shift();
      if (next === undefined) idle.push(connection);
      else request(connection, next);
      if (latenciesMs.length === total) end();
    });
    socket.on("error", reject);
    socket.on("close", () => reject(new Error("the server closed a connection")));
  }

  const startedAtMs = performance.now();
  let sent = 0;
  const tick = (): void => {
    const nowMs = performance.now();
    while (sent < total) {
      const dueAtMs = startedAtMs + (sent / options.ratePerS) * 1000;
      if (dueAtMs > nowMs) break;
      sent++;
      const connection = idle.pop();
      if (connection === undefined) waitingDueAtMs.push(dueAtMs);
      else request(connection, dueAtMs);
    }
    if (sent < total) setTimeout(tick, 1);
  };
  tick();
  await ended;
  return {
    answered: latenciesMs.length - failed,
    failed,
    p50Ms: percentile(latenciesMs, 0.5),
    p99Ms: percentile(latenciesMs, 0.99),
  };
}

const OK = Buffer.from("HTTP/1.1 200 ");

const [, started, options] = process.argv;
if (started === import.meta.filename && options !== undefined && process.send !== undefined) {
  const latency = await send(JSON.parse(options) as ConstantRateOptions);
  process.send(latency, () => process.exit(0));
}
