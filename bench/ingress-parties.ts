import { randomBytes } from "node:crypto";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { appScript, startApp } from "@reelgate/launcher/apps";
import { startPostgresServer } from "@reelgate/launcher/servers/postgres-server";
import { startRedisServer } from "@reelgate/launcher/servers/redis-server";
import type { RedisServer } from "@reelgate/launcher/servers/redis-server";
import { freePort } from "@reelgate/launcher/servers/tcp-port";
import { QUEUES, QUEUE_PREFIX } from "@reelgate/shared/contract/jobs";
import { createRedis } from "@reelgate/shared/redis";
import type { RedisClient } from "@reelgate/shared/redis";
import { KEY, requestNumber, requestTemplate } from "./ingress-callbacks.ts";
import { startPeer } from "./ingress-peers.ts";
import type { PeerName } from "./ingress-peers.ts";

export type PartyName = "reelgate" | PeerName;

/** One server that takes callbacks, as a process of its own. */
export interface Party {
  name: PartyName;
  port: number;
  pid: number;
}

/** All parties and the stores behind them, running at the same time: the idle ones cost nothing. */
export interface Field extends AsyncDisposable {
  parties: readonly Party[];
  redisPid: number;
  postgresPid: number;
  folder: string;
  /** How many callbacks wait in Redis. */
  waiting: () => Promise<number>;
  /** Empties Redis and its file. */
  clear: () => Promise<void>;
}

export async function startField(names: readonly PartyName[]): Promise<Field> {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "reelgate-bench-ingress-"));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  // As root, Postgres runs as another user, who has to pass through.
  await chmod(folder, 0o711);
  const redis = stack.use(await startRedis(folder));
  const postgres = stack.use(
    await startPostgresServer({
      dataDir: join(folder, "postgres"),
      password: "bench",
      env: process.env,
    }),
  );
  const client = stack.adopt(
    createRedis({ url: redis.url, role: "worker", name: "bench", onError: () => {} }),
    (one) => one.disconnect(),
  );
  const stores = { redisUrl: redis.url, postgresUrl: postgres.databaseUrl("postgres") };
  const parties: Party[] = [];
  for (const name of names) {
    if (name === "reelgate") {
      parties.push(await startOurs(stack, redis.url, folder));
    } else {
      const peer = stack.use(await startPeer(name, stores));
      parties.push({ name, port: peer.port, pid: peer.pid });
    }
  }
  for (const party of parties) await expectAnswer(party);

  const running = stack.move();
  return {
    parties,
    redisPid: redis.pid,
    postgresPid: postgres.pid,
    folder,
    waiting: () => client.llen(WAIT_KEY),
    clear: () => clear(client),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

function startRedis(folder: string): Promise<RedisServer> {
  return startRedisServer({
    dataDir: join(folder, "redis"),
    password: randomBytes(12).toString("base64url"),
    env: process.env,
    // A rewrite in the middle of a round would be charged to whoever has it.
    settings: { "auto-aof-rewrite-percentage": "0" },
  });
}

/** The built ingress, as it runs in production: durable Redis required, a spool, log lines of level info. */
async function startOurs(
  stack: AsyncDisposableStack,
  redisUrl: string,
  folder: string,
): Promise<Party> {
  const [port, opsPort] = [await freePort(), await freePort()];
  const app = await startApp(
    {
      name: "ingress",
      script: appScript(join(import.meta.dirname, ".."), "ingress"),
      env: {
        PATH: process.env.PATH,
        HOST: "127.0.0.1",
        PORT: String(port),
        OPS_HOST: "127.0.0.1",
        OPS_PORT: String(opsPort),
        CALLBACK_KEYS: KEY,
        REDIS_URL: redisUrl,
        SPOOL_DIR: join(folder, "spool"),
      },
      readyUrls: [`http://127.0.0.1:${opsPort}/readyz`],
    },
    { graceMs: 10_000, onLine: () => {}, onPid: () => {}, waitUntilReady: true },
  );
  stack.defer(() => app.stop());
  return { name: "reelgate", port, pid: app.pid };
}

const WAIT_KEY = `${QUEUE_PREFIX}:${QUEUES.callbacks}:wait`;

async function clear(client: RedisClient): Promise<void> {
  // What belongs to the queue itself stays: its producers wrote it when they started.
  for (;;) {
    const ids = await client.lpop(WAIT_KEY, 1000);
    if (ids === null) break;
    await client.unlink(ids.map((id) => `${QUEUE_PREFIX}:${QUEUES.callbacks}:${id}`));
  }
  await client.bgrewriteaof();
  while (/^aof_rewrite_(?:in_progress|scheduled):1/mu.test(await client.info("persistence"))) {
    await delay(20);
  }
}

/** So that nobody is measured refusing. */
async function expectAnswer({ name, port }: Party): Promise<void> {
  const [, body = ""] = requestNumber(requestTemplate(port), 0).split("\r\n\r\n");
  const response = await fetch(`http://127.0.0.1:${port}/callbacks/css`, { method: "POST", body });
  const text = await response.text();
  if (response.status !== 200 || text !== '{"code":0}') {
    throw new Error(`${name} answers ${response.status} ${text}`);
  }
}
