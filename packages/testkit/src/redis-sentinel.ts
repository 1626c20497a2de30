import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startProcess } from "@reelgate/launcher/servers/child-process";
import { findProgram } from "@reelgate/launcher/servers/find-program";
import { lastingPort } from "@reelgate/launcher/servers/tcp-port";
import { until } from "./latch.ts";
import { ask, startRedisNode, untilRole } from "./redis-node.ts";
import type { RedisNode } from "./redis-node.ts";
import { testPassword } from "./redis-server.ts";
import { restartable } from "./restartable.ts";
import type { Restartable } from "./restartable.ts";

export interface RedisSentinelOptions {
  replicas?: number;
  sentinels?: number;
  /** After which silence a master counts as down, in milliseconds. */
  downAfterMs?: number;
  /** For master and replicas, beyond the durable ones of the product, by the names of redis.conf. */
  settings?: Readonly<Record<string, string>>;
}

export interface TestSentinel extends Restartable {
  readonly port: number;
}

/** A real master with replicas, watched by real Sentinels, on random ports of 127.0.0.1. */
export interface TestRedisSentinel extends AsyncDisposable {
  /** As REDIS_URL takes it. Master and Sentinels have different passwords. */
  readonly url: string;
  readonly nodes: readonly RedisNode[];
  readonly sentinels: readonly TestSentinel[];
  /** Who is master by the word of the Sentinels. */
  master(): Promise<RedisNode>;
  /**
   * Has the Sentinels promote a replica, whether the master is alive or not, and waits for it.
   *
   * @returns the new master
   */
  failover(): Promise<RedisNode>;
  /** Waits until the Sentinels have agreed on another master than this one, and it is one. */
  untilReplaced(old: RedisNode, timeoutMs?: number): Promise<RedisNode>;
  stop(): Promise<void>;
}

/** The master's name among the Sentinels of a test. */
export const GROUP = "reelgate-test";
const START_TIMEOUT_MS = 20_000;

export async function startRedisSentinel(
  options: RedisSentinelOptions = {},
): Promise<TestRedisSentinel> {
  const { replicas = 1, sentinels: sentinelCount = 3, downAfterMs = 1000 } = options;
  const password = testPassword();
  const sentinelPassword = testPassword();
  await using opened = new AsyncDisposableStack();
  const currentMaster = async (): Promise<RedisNode> => await set.master();
  const startNode = async (masterPort: number | null): Promise<RedisNode> => {
    const node: RedisNode = await startRedisNode({
      password,
      settings: {
        masterauth: password,
        "repl-diskless-sync-delay": "0",
        ...(masterPort === null ? {} : { replicaof: `127.0.0.1 ${masterPort}` }),
        ...options.settings,
      },
      // Sentinel rewrites redis.conf of whom it demotes; these nodes have none.
      settingsAtRestart: async () => {
        const { port } = await currentMaster();
        return { replicaof: port === node.port ? "no one" : `127.0.0.1 ${port}` };
      },
    });
    return opened.use(node);
  };
  const first = await startNode(null);
  const others = await Promise.all(Array.from({ length: replicas }, () => startNode(first.port)));
  // Sentinel reads the master's list of replicas every ten seconds: they must be in it the first time.
  await until(
    async () =>
      String(await first.command("INFO", "replication")).includes(`connected_slaves:${replicas}`),
    { timeoutMs: START_TIMEOUT_MS, intervalMs: 20, what: "the replication" },
  );
  const sentinels = await Promise.all(
    Array.from({ length: sentinelCount }, async () =>
      opened.use(
        await startSentinel({
          quorum: Math.floor(sentinelCount / 2) + 1,
          masterPort: first.port,
          password,
          sentinelPassword,
          downAfterMs,
        }),
      ),
    ),
  );
  const nodes = [first, ...others];
  const set = sentinelSet(nodes, sentinels, sentinelPassword);
  await set.untilKnown(sentinelCount, replicas);
  const running = opened.move();
  const hosts = sentinels.map(({ port }) => `127.0.0.1:${port}`).join(",");
  return {
    url: `redis+sentinel://:${password}@${hosts}/${GROUP}/0?sentinel_password=${sentinelPassword}`,
    nodes,
    sentinels,
    master: () => set.master(),
    untilReplaced: (old, timeoutMs) => set.untilReplaced(old, timeoutMs),
    async failover() {
      const old = await set.master();
      await set.askSentinel("FAILOVER", GROUP);
      return await set.untilReplaced(old);
    },
    stop: () => running.disposeAsync(),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

interface SentinelSet {
  master(): Promise<RedisNode>;
  untilReplaced(old: RedisNode, timeoutMs?: number): Promise<RedisNode>;
  untilKnown(sentinels: number, replicas: number): Promise<void>;
  /** Asks the first one that answers. */
  askSentinel(...args: readonly string[]): Promise<unknown>;
}

function sentinelSet(
  nodes: readonly RedisNode[],
  sentinels: readonly TestSentinel[],
  password: string,
): SentinelSet {
  const askOne = (sentinel: TestSentinel, ...args: readonly string[]): Promise<unknown> =>
    ask(`redis://:${password}@127.0.0.1:${sentinel.port}`, "SENTINEL", ...args);
  const askSentinel: SentinelSet["askSentinel"] = async (...args) => {
    let trouble: unknown = new Error("no Sentinel runs");
    for (const sentinel of sentinels.filter(({ pid }) => pid !== 0)) {
      try {
        return await askOne(sentinel, ...args);
      } catch (error) {
        trouble = error;
      }
    }
    throw trouble;
  };
  const master = async (): Promise<RedisNode> => {
    const address = await askSentinel("GET-MASTER-ADDR-BY-NAME", GROUP);
    const port = Array.isArray(address) ? Number(address[1]) : Number.NaN;
    const found = nodes.find((node) => node.port === port);
    if (found === undefined) throw new Error(`the Sentinels name no node of this test: ${port}`);
    return found;
  };
  return {
    askSentinel,
    master,
    async untilReplaced(old, timeoutMs = START_TIMEOUT_MS) {
      const successor = await until(
        async () => {
          const now = await master();
          return now === old ? null : now;
        },
        { timeoutMs, intervalMs: 50, what: "another master" },
      );
      await untilRole(successor, "master", timeoutMs);
      return successor;
    },
    async untilKnown(sentinelCount, replicas) {
      await Promise.all(
        sentinels.map((sentinel) =>
          until(
            async () => {
              const facts = factsOf(await askOne(sentinel, "MASTER", GROUP));
              return (
                facts.get("num-other-sentinels") === String(sentinelCount - 1) &&
                facts.get("num-slaves") === String(replicas)
              );
            },
            { timeoutMs: START_TIMEOUT_MS, intervalMs: 50, what: "Sentinels that know each other" },
          ),
        ),
      );
    },
  };
}

/** A map of RESP3, or the flat list of RESP2. */
function factsOf(reply: unknown): Map<string, string> {
  const flat = Array.isArray(reply)
    ? reply.flat()
    : reply instanceof Map
      ? [...reply].flat()
      : Object.entries(reply as object).flat();
  const facts = new Map<string, string>();
  for (let at = 0; at + 1 < flat.length; at += 2) facts.set(String(flat[at]), String(flat[at + 1]));
  return facts;
}

export interface SentinelSettings {
  quorum: number;
  masterPort: number;
  password: string;
  sentinelPassword: string;
  downAfterMs: number;
  /** Further ones, by the names of redis.conf. */
  more?: Readonly<Record<string, string>>;
}

/** A Sentinel keeps what it knows in its configuration file, and so finds its way again after a restart. */
export async function startSentinel(settings: SentinelSettings): Promise<TestSentinel> {
  const folder = await mkdtemp(join(tmpdir(), "reelgate-test-sentinel-"));
  const file = join(folder, "sentinel.conf");
  const port = await lastingPort();
  const lines = [
    "bind 127.0.0.1",
    `port ${port}`,
    "daemonize no",
    `dir ${JSON.stringify(folder)}`,
    `requirepass ${settings.sentinelPassword}`,
    `sentinel sentinel-pass ${settings.sentinelPassword}`,
    `sentinel monitor ${GROUP} 127.0.0.1 ${settings.masterPort} ${settings.quorum}`,
    `sentinel auth-pass ${GROUP} ${settings.password}`,
    `sentinel down-after-milliseconds ${GROUP} ${settings.downAfterMs}`,
    `sentinel failover-timeout ${GROUP} ${settings.downAfterMs * 5}`,
    `sentinel parallel-syncs ${GROUP} 1`,
    ...Object.entries(settings.more ?? {}).map(([name, value]) => `${name} ${value}`),
  ];
  await writeFile(file, `${lines.join("\n")}\n`, { mode: 0o600 });
  const program = findProgram(["redis-server", "valkey-server"], process.env["PATH"] ?? "");
  if (program === null) throw new Error("redis-server is not installed");
  const start = async () => {
    const running = await startProcess({
      command: program,
      args: [file, "--sentinel"],
      env: process.env,
      cwd: folder,
      onLine: () => {},
    });
    return { ...running, stop: () => running.stop("SIGTERM", 5000) };
  };
  const server = restartable({
    name: `Sentinel on port ${port}`,
    first: await start(),
    startAgain: start,
    removeData: () => rm(folder, { recursive: true, force: true }),
  });
  return Object.assign(server, { port });
}
