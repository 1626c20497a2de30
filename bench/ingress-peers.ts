import { fork } from "node:child_process";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createApp } from "@reelgate/ingress/app";
import { BodyBudget } from "@reelgate/ingress/http/body-budget";
import { Connections } from "@reelgate/ingress/http/connections";
import { startPublicServer } from "@reelgate/ingress/http/public-server";
import { ingest } from "@reelgate/ingress/ingest/ingest";
import { verifySignature } from "@reelgate/ingress/ingest/verify";
import { IngressTelemetry } from "@reelgate/ingress/telemetry";
import { createProducer } from "@reelgate/shared/adapters/bullmq-producer";
import { JOB_NAMES, QUEUES, callbackJobId } from "@reelgate/shared/contract/jobs";
import type { CallbackJob } from "@reelgate/shared/contract/jobs";
import { createLogger } from "@reelgate/shared/logger";
import { createRedis } from "@reelgate/shared/redis";
import { createRegistry } from "@reelgate/shared/telemetry";
import { NO_TRACING } from "@reelgate/shared/tracing/tracing";
import express from "express";
import fastify from "fastify";
import { PgBoss } from "pg-boss";
import { CALLBACK_PATH, KEY } from "./ingress-callbacks.ts";

/** Other ways to build the same edge. `ceiling` is ours with a queue that has stored everything already. */
export type PeerName = "express" | "fastify" | "pg-boss" | "ceiling";

export interface PeerProcess extends AsyncDisposable {
  readonly port: number;
  readonly pid: number;
}

interface Stores {
  redisUrl: string;
  postgresUrl: string;
}

export async function startPeer(name: PeerName, stores: Stores): Promise<PeerProcess> {
  const child = fork(import.meta.filename, [name, JSON.stringify(stores)]);
  const [port] = (await once(child, "message")) as [number];
  if (child.pid === undefined) throw new Error(`${name} has no process`);
  return {
    port,
    pid: child.pid,
    async [Symbol.asyncDispose]() {
      const exited = once(child, "exit");
      child.kill("SIGTERM");
      await exited;
    },
  };
}

const MAX_BODY_BYTES = 65_536;
const ANSWER = { code: 0 };

type Store = (id: string, job: CallbackJob) => Promise<unknown>;

/** What every peer does with a body: the same checks as ours, without what ours refuses beyond them. */
async function take(body: Buffer, address: string | undefined, store: Store): Promise<boolean> {
  const text = body.toString("utf8");
  const parsed: unknown = JSON.parse(text);
  if (typeof parsed !== "object" || parsed === null) return false;
  const verification = verifySignature(parsed, [KEY]);
  if (!verification.ok || Date.now() / 1000 > verification.expiresAtS) return false;
  await store(callbackJobId(body), {
    body: text,
    receivedAtMs: Date.now(),
    requestId: crypto.randomUUID(),
    remoteAddress: address ?? null,
    keyIndex: verification.keyIndex,
  });
  return true;
}

async function startExpress(store: Store): Promise<number> {
  const app = express();
  app.disable("x-powered-by");
  app.disable("etag");
  const body = express.raw({ type: () => true, limit: MAX_BODY_BYTES });
  app.post(CALLBACK_PATH, body, (request, response, next) => {
    take(request.body as Buffer, request.ip, store)
      .then((isTaken) => (isTaken ? response.json(ANSWER) : response.status(401).end()))
      .catch(next);
  });
  const server = app.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

async function startFastify(store: Store): Promise<number> {
  const app = fastify({ bodyLimit: MAX_BODY_BYTES });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => {
    done(null, body);
  });
  app.post(CALLBACK_PATH, async (request, reply) => {
    if (await take(request.body as Buffer, request.ip, store)) return ANSWER;
    return reply.code(401).send();
  });
  await app.listen({ port: 0, host: "127.0.0.1" });
  return (app.server.address() as AddressInfo).port;
}

/** `queue.add` for each callback, on the connection and with the options of ours. */
function bullmqStore(redisUrl: string): Store {
  const onError = (error: Error): void => {
    throw error;
  };
  const connection = createRedis({ url: redisUrl, role: "producer", name: "bench", onError });
  const queue = createProducer<CallbackJob>({ queue: QUEUES.callbacks, connection, onError });
  return (jobId, job) => queue.add(JOB_NAMES.callbacks, job, { jobId });
}

async function pgBossStore(url: string): Promise<Store> {
  const boss = new PgBoss({ connectionString: url, max: 16, supervise: false, schedule: false });
  await boss.start();
  await boss.createQueue(QUEUES.callbacks);
  return (jobId, job) => boss.send(QUEUES.callbacks, job, { id: uuidOf(jobId) });
}

/** pg-boss takes no other ids: the same callback is the same job there too. */
function uuidOf(jobId: string): string {
  return jobId.replace(/^cb-(.{8})(.{4})(.{4})(.{4})(.{12}).*$/u, "$1-$2-$3-$4-$5");
}

/** Everything that the built ingress does for a callback, but the queue. */
async function startCeiling(): Promise<number> {
  const clock = { nowMs: Date.now };
  const logger = createLogger({ app: "ingress", level: "info" });
  const connections = new Connections({ max: 10_000, onDropped: () => {} });
  const { listener } = createApp({
    pathToken: null,
    bodies: new BodyBudget(64 * 1024 * 1024),
    connections,
    limiter: null,
    maxBodyBytes: MAX_BODY_BYTES,
    maxInFlight: 1000,
    trustProxyHops: 0,
    ingest: (delivery) =>
      ingest(delivery, {
        keys: [KEY],
        graceS: 0,
        queue: { enqueue: async () => ({ stored: true }) },
        clock,
      }),
    readiness: () => ({ ready: true }),
    telemetry: new IngressTelemetry(logger, createRegistry("ingress"), clock),
    tracing: NO_TRACING,
  });
  const host = "127.0.0.1";
  const server = await startPublicServer({
    host,
    port: 0,
    listener,
    connections,
    shutdownGraceMs: 5000,
  });
  return server.port;
}

async function start(name: PeerName, { redisUrl, postgresUrl }: Stores): Promise<number> {
  switch (name) {
    case "express":
      return await startExpress(bullmqStore(redisUrl));
    case "fastify":
      return await startFastify(bullmqStore(redisUrl));
    case "pg-boss":
      return await startExpress(await pgBossStore(postgresUrl));
    case "ceiling":
      return await startCeiling();
    default: {
      const unreachable: never = name;
      throw new Error(`no peer ${String(unreachable)}`);
    }
  }
}

const [, started, name, stores] = process.argv;
if (started === import.meta.filename && stores !== undefined && process.send !== undefined) {
  process.send(await start(name as PeerName, JSON.parse(stores) as Stores));
}
