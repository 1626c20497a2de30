import { mkdir } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { AppError } from "@reelgate/shared/errors";
import { describeExit, startProcess } from "./child-process.ts";
import type { ProcessExit, RunningProcess } from "./child-process.ts";
import { findProgram } from "./find-program.ts";
import { recentLines } from "./recent-lines.ts";
import { pingRedis } from "./redis-ping.ts";
import { freePort } from "./tcp-port.ts";

export interface RedisServerOptions {
  /** Folder of the append-only file; made when missing. */
  dataDir: string;
  /** Letters, digits, `-` and `_` alone: it is written into a configuration line. */
  password: string;
  /** The environment of the server; PATH decides which redis-server is run. */
  env: NodeJS.ProcessEnv;
  /** A fixed port of 127.0.0.1; a free one is picked otherwise. */
  port?: number;
  /** Settings beyond the durable ones, by the names of redis.conf. */
  settings?: Readonly<Record<string, string>>;
  onLine?: (line: string) => void;
  /** Told as soon as the server process exists, before it is ready. */
  onPid?: (pid: number) => void;
}

export interface RedisServer extends AsyncDisposable {
  readonly port: number;
  readonly pid: number;
  readonly url: string;
  readonly exited: Promise<ProcessExit>;
  kill(signal: NodeJS.Signals): void;
  stop(): Promise<void>;
}

const SERVER_NAMES = ["redis-server", "valkey-server"];
/** A large append-only file takes its time: measured, about 1 s for each 100 MB. */
const START_DEADLINE_MS = 120_000;
const STOP_DEADLINE_MS = 10_000;
const PORT_ATTEMPTS = 5;

/**
 * Starts a durable redis-server on 127.0.0.1 and waits until it serves: what it acknowledges is on the disk
 * (`appendfsync always`), and it refuses writes rather than dropping jobs when memory ends (`noeviction`).
 *
 * @throws AppError `tool_missing` without a redis-server, `setup_failed` when it does not come up.
 */
export async function startRedisServer(options: RedisServerOptions): Promise<RedisServer> {
  const program = findProgram(SERVER_NAMES, options.env.PATH ?? "");
  if (program === null)
    throw new AppError("tool_missing", { message: "redis-server is not installed." });
  await mkdir(options.dataDir, { recursive: true, mode: 0o700 });
  for (let attempt = 1; ; attempt++) {
    const result = await tryToStart(program, options, options.port ?? (await freePort()));
    if (typeof result !== "string") return result;
    const mayRetry = options.port === undefined && attempt < PORT_ATTEMPTS;
    if (!mayRetry || !/Address already in use/u.test(result)) {
      throw new AppError("setup_failed", { message: `redis-server did not start: ${result}` });
    }
  }
}

async function tryToStart(
  program: string,
  options: RedisServerOptions,
  port: number,
): Promise<RedisServer | string> {
  const lines = recentLines(8);
  const running = await startProcess({
    command: program,
    // The configuration comes by stdin: an argument would show the password to every user of the machine.
    args: ["-"],
    input: configuration(options, port),
    env: options.env,
    cwd: options.dataDir,
    onLine: (line) => {
      lines.add(line);
      options.onLine?.(line);
    },
  });
  options.onPid?.(running.pid);
  if (!(await waitUntilReady(running, port, options.password))) {
    await running.stop("SIGKILL", 0);
    return `${describeExit(await running.exited)}: ${lines.all().join(" | ")}`;
  }
  const stop = (): Promise<void> => running.stop("SIGTERM", STOP_DEADLINE_MS);
  return {
    port,
    pid: running.pid,
    url: `redis://:${options.password}@127.0.0.1:${port}/0`,
    exited: running.exited,
    kill: (signal) => running.kill(signal),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function configuration(options: RedisServerOptions, port: number): string {
  const settings: Record<string, string> = {
    bind: "127.0.0.1",
    port: String(port),
    "protected-mode": "yes",
    daemonize: "no",
    dir: JSON.stringify(options.dataDir),
    requirepass: options.password,
    appendonly: "yes",
    appendfsync: "always",
    "maxmemory-policy": "noeviction",
    // The append-only file is the durable copy; snapshots beside it would only cost forks.
    save: '""',
    ...options.settings,
  };
  return Object.entries(settings)
    .map(([name, value]) => `${name} ${value}\n`)
    .join("");
}

async function waitUntilReady(
  running: RunningProcess,
  port: number,
  password: string,
): Promise<boolean> {
  const deadlineMs = Date.now() + START_DEADLINE_MS;
  while (!running.hasExited() && Date.now() < deadlineMs) {
    const result = await pingRedis(port, password, 1000);
    if (result.ready) return !running.hasExited();
    await delay(20);
  }
  return false;
}
