import { existsSync } from "node:fs";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { AppError } from "@reelgate/shared/errors";
import { withinMs } from "@reelgate/shared/lifecycle";
import { describeExit, startProcess } from "./child-process.ts";
import type { ProcessExit } from "./child-process.ts";
import { postgresAccount } from "./postgres-account.ts";
import type { PostgresAccount } from "./postgres-account.ts";
import { postgresBinaries } from "./postgres-binaries.ts";
import { recentLines } from "./recent-lines.ts";
import { freePort } from "./tcp-port.ts";

export interface PostgresServerOptions {
  /** Folder of the cluster; made and initialised when there is none. */
  dataDir: string;
  /** Password of the superuser; it must be the one with which the cluster was made. */
  password: string;
  /** The environment of the server; PATH is where `setpriv` is looked for. */
  env: NodeJS.ProcessEnv;
  /** A fixed port of 127.0.0.1; a free one is picked otherwise. */
  port?: number;
  /** Server settings beyond the ones needed here, by the names of postgresql.conf. */
  settings?: Readonly<Record<string, string>>;
  onLine?: (line: string) => void;
  /** Told as soon as the server process exists, before it is ready. */
  onPid?: (pid: number) => void;
}

export interface PostgresServer extends AsyncDisposable {
  readonly port: number;
  readonly pid: number;
  /** URL of the database `postgres`, as superuser. */
  readonly adminUrl: string;
  readonly exited: Promise<ProcessExit>;
  /** URL of another database of this server, as superuser. */
  databaseUrl(name: string): string;
  kill(signal: NodeJS.Signals): void;
  stop(): Promise<void>;
}

const POSTGRES_USER = "reelgate";

/** Crash recovery replays at most `max_wal_size` (1 GB) of log before the server is ready. */
const START_DEADLINE_MS = 120_000;
const STOP_DEADLINE_MS = 15_000;
const ATTEMPTS = 40;
const ATTEMPT_PAUSE_MS = 250;

/**
 * Starts a Postgres on 127.0.0.1 alone (no Unix socket: its path would be too long under a deep DATA_DIR) and waits
 * until it accepts connections.
 *
 * @throws AppError `setup_failed` when another live server uses the data, or the server does not come up.
 */
export async function startPostgresServer(options: PostgresServerOptions): Promise<PostgresServer> {
  const binaries = postgresBinaries();
  await mkdir(options.dataDir, { recursive: true, mode: 0o700 });
  const account = postgresAccount(options.dataDir, binaries.postgres, options.env.PATH ?? "");
  if (!existsSync(join(options.dataDir, "PG_VERSION"))) {
    await initialise(options, account, binaries.initdb);
  }
  for (let attempt = 1; ; attempt++) {
    await clearStalePidFile(options.dataDir);
    const result = await tryToStart(
      options,
      account,
      binaries.postgres,
      options.port ?? (await freePort()),
    );
    if (typeof result !== "string") return result;
    if (attempt >= ATTEMPTS || !mayHeal(result)) {
      throw new AppError("setup_failed", { message: `Postgres did not start: ${result}` });
    }
    await delay(ATTEMPT_PAUSE_MS);
  }
}

/**
 * After a SIGKILL of the server its helpers need a moment to notice, and hold the shared memory until then. A port
 * that was free is sometimes taken by someone else first.
 */
function mayHeal(reason: string): boolean {
  return /pre-existing shared memory block|Address already in use/u.test(reason);
}

/** Made beside the final folder and renamed when complete: an initdb that was killed leaves no half cluster behind. */
async function initialise(
  options: PostgresServerOptions,
  account: PostgresAccount,
  initdb: string,
): Promise<void> {
  const newDir = join(dirname(options.dataDir), `.${process.pid}-new-postgres`);
  const passwordFile = `${newDir}-password`;
  await rm(newDir, { recursive: true, force: true });
  await mkdir(newDir, { mode: 0o700 });
  account.own(newDir);
  await writeFile(passwordFile, `${options.password}\n`, { mode: 0o600 });
  account.own(passwordFile);
  try {
    const lines = recentLines(8);
    const running = await startProcess({
      ...account.wrap(initdb, [
        `--pgdata=${newDir}`,
        `--username=${POSTGRES_USER}`,
        `--pwfile=${passwordFile}`,
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        // Postgres brings this locale itself: the same sorting and case rules on every machine.
        "--locale=C",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--no-instructions",
      ]),
      env: serverEnv(options.env),
      cwd: newDir,
      onLine: (line) => lines.add(line),
    });
    const exit = await running.exited;
    if (exit.code !== 0) {
      throw new AppError("setup_failed", {
        message: `initdb failed with ${describeExit(exit)}: ${lines.all().join(" | ")}`,
      });
    }
    await rm(options.dataDir, { recursive: true });
    await rename(newDir, options.dataDir);
  } finally {
    await rm(passwordFile, { force: true });
    await rm(newDir, { recursive: true, force: true });
  }
}

async function tryToStart(
  options: PostgresServerOptions,
  account: PostgresAccount,
  program: string,
  port: number,
): Promise<PostgresServer | string> {
  const settings: Record<string, string> = {
    listen_addresses: "127.0.0.1",
    port: String(port),
    unix_socket_directories: "",
    fsync: "on",
    max_connections: "100",
    ...options.settings,
  };
  const lines = recentLines(8);
  const ready = Promise.withResolvers<void>();
  let isReady = false;
  const running = await startProcess({
    ...account.wrap(program, [
      "-D",
      options.dataDir,
      ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
    ]),
    env: serverEnv(options.env),
    cwd: options.dataDir,
    onLine: (line) => {
      lines.add(line);
      if (line.includes("database system is ready to accept connections")) {
        isReady = true;
        ready.resolve();
      }
      options.onLine?.(line);
    },
  });
  options.onPid?.(running.pid);
  await withinMs(Promise.race([ready.promise, running.exited]), START_DEADLINE_MS);
  if (!isReady || running.hasExited()) {
    await running.stop("SIGKILL", 0);
    return `${describeExit(await running.exited)}: ${lines.all().join(" | ")}`;
  }
  const databaseUrl = (name: string): string =>
    `postgres://${POSTGRES_USER}:${options.password}@127.0.0.1:${port}/${name}`;
  // SIGINT is Postgres's "fast" stop: it ends sessions and writes a checkpoint. SIGTERM waits for all clients.
  const stop = (): Promise<void> => running.stop("SIGINT", STOP_DEADLINE_MS);
  return {
    port,
    pid: running.pid,
    adminUrl: databaseUrl("postgres"),
    exited: running.exited,
    databaseUrl,
    kill: (signal) => running.kill(signal),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** Server messages in English, whatever the user speaks: the start is recognised by one. */
function serverEnv(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { ...env, LC_ALL: "C", LC_MESSAGES: "C" };
}

/**
 * Postgres takes the pid in `postmaster.pid` for a live server when any process of the same user has that pid, which
 * after a crash and a restart of the machine (or in a container) can be anyone. The command line tells.
 */
async function clearStalePidFile(dataDir: string): Promise<void> {
  const path = join(dataDir, "postmaster.pid");
  let content: string;
  try {
    content = await readFile(path, "utf8");
  } catch {
    return;
  }
  const pid = Number(content.split("\n")[0]);
  const commandLine = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => null);
  if (commandLine === null) return;
  const isPostgres = /(?:^|\/)postgres\0/u.test(commandLine);
  if (isPostgres && commandLine.split("\0").includes(dataDir)) {
    throw new AppError("setup_failed", {
      message: `Another Postgres (process ${pid}) is using ${dataDir}. Stop it, or set another DATA_DIR.`,
    });
  }
  await rm(path);
}
