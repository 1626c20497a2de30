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
  const gone = Promise.withResolvers<never>();
  const fail = (code: number | null): void => gone.reject(new Error(`the load ended with ${code}`));
  child.once("exit", fail);
  const [latency] = (await Promise.race([once(child, "message"), gone.promise])) as [Latency];
  child.off("exit", fail);
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
  const proceed = (connection: Connection): void => {
    const next = waitingDueAtMs.shift();
    if (next === undefined) idle.push(connection);
    else request(connection, next);
  };
  const open = async (): Promise<void> => {
    const socket = connect({ port: options.port, host: "127.0.0.1", noDelay: true });
    socket.on("error", reject);
    await once(socket, "connect");
    const connection = { socket, dueAtMs: 0 };
    let isLast = false;
    // An answer is far smaller than a packet of the loopback, and comes in one.
    socket.on("data", (chunk) => {
      if (!chunk.subarray(0, 13).equals(OK)) failed++;
      latenciesMs.push(performance.now() - connection.dueAtMs);
      if (latenciesMs.length === total) end();
      // As the server says with the thousandth answer of a connection: the next request needs another one.
      isLast = /\r\nconnection: close\r\n/iu.test(chunk.toString("latin1"));
      if (isLast) open().catch(reject);
      else proceed(connection);
    });
    socket.on("close", () => {
      if (!isLast) reject(new Error("the server closed a connection"));
    });
    proceed(connection);
  };
  for (let n = 0; n < options.connections; n++) await open();

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
