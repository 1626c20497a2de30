import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { LOCAL_RUN_FILE } from "@reelgate/shared/contract/local-run";
import { announcement, localRun } from "./announce.ts";
import { APP_GRACE_MS, PREFERRED_OPS_PORTS, appSpecs } from "./app-specs.ts";
import { APP_NAMES, startApp } from "./apps.ts";
import type { AppName, AppSpec } from "./apps.ts";
import type { LauncherConfig } from "./config.ts";
import { loadCredentials } from "./credentials.ts";
import { lockDataDir } from "./data-dir-lock.ts";
import { startDatabase, startQueueStore } from "./embedded.ts";
import type { Household } from "./embedded.ts";
import { openLogFile } from "./log-file.ts";
import { preferPort, requirePort } from "./ports.ts";
import { writePrivateFile } from "./private-file.ts";
import { processRecords, stopLeftovers } from "./process-records.ts";
import type { ProcessRecords } from "./process-records.ts";
import { supervise } from "./supervise.ts";
import { terminalLines } from "./terminal-lines.ts";

const LEFTOVER_GRACE_MS = 5000;

export interface LaunchOptions {
  /** The checkout that holds the built apps. */
  root: string;
  config: LauncherConfig;
  /** Show everything that the apps log. */
  verbose: boolean;
  print: (text: string) => void;
  /** Brings an empty or older database to this version's schema. */
  migrate: (databaseUrl: string) => Promise<unknown>;
  createDatabase: (adminUrl: string, name: string) => Promise<unknown>;
  /** Other scripts than the built apps, for tests of the launcher. */
  scripts?: Partial<Record<AppName, string>>;
}

export interface LaunchSignals {
  /** Aborted when the system shall stop while it is still starting. */
  stop: AbortSignal;
  /** Aborted when every process shall end at once, without grace, in whichever state. */
  force: AbortSignal;
}

/**
 * Starts the whole system on one machine.
 *
 * Order: lock the data folder, stop what a killed launcher left, check ports, servers, schema, apps. When any of it
 * fails, or is to stop meanwhile, what was started is stopped again before the error is thrown.
 *
 * @returns everything running; disposing stops the apps, then Postgres, then Redis, and leaves nothing but the data.
 * @throws AppError with a message that says what to do.
 */
export async function launch(
  options: LaunchOptions,
  signals: LaunchSignals,
): Promise<AsyncDisposable> {
  const { config, print } = options;
  await using starting = new AsyncDisposableStack();
  // As root, Postgres runs as another user, who must be able to pass through this folder to its own.
  mkdirSync(config.dataDir, { recursive: true, mode: process.getuid?.() === 0 ? 0o711 : 0o700 });
  const lock = lockDataDir(config.dataDir);
  starting.defer(() => lock.release());

  const leftovers = await stopLeftovers(config.dataDir, LEFTOVER_GRACE_MS);
  if (leftovers.length > 0)
    print(`Stopped what an earlier run had left running: ${leftovers.join(", ")}.`);
  await requirePort("PORT", config.HOST, config.PORT);
  await requirePort("DASHBOARD_PORT", config.DASHBOARD_HOST, config.DASHBOARD_PORT);
  const opsPorts = await pickOpsPorts(config);
  const credentials = loadCredentials(config.dataDir);
  const records = processRecords(config.dataDir);
  starting.defer(() => records.clear());
  signals.force.addEventListener("abort", () => records.killAll(), { once: true });
  const { household, showApps } = useHousehold(options, records, starting);

  const queueStoreStarting = startQueueStore(config, credentials, household);
  const databaseStarting = startDatabase(config, credentials, household);
  // Both have come up or failed before any failure is thrown; used in this order, Postgres stops before Redis.
  for (const result of await Promise.allSettled([queueStoreStarting, databaseStarting])) {
    if (result.status === "fulfilled") starting.use(result.value);
  }
  const queueStore = await queueStoreStarting;
  const database = await databaseStarting;
  signals.stop.throwIfAborted();

  if (database.adminUrl !== null) {
    await options.createDatabase(database.adminUrl, database.name);
  }
  await options.migrate(database.url);
  signals.stop.throwIfAborted();

  const facts = {
    config,
    credentials,
    redisUrl: queueStore.url,
    databaseUrl: database.url,
    opsPorts,
  };
  const specs = appSpecs({
    ...facts,
    root: options.root,
    ...(options.scripts === undefined ? {} : { scripts: options.scripts }),
  });
  await startApps(specs, household, starting);
  signals.stop.throwIfAborted();

  const runFile = join(config.dataDir, LOCAL_RUN_FILE);
  writePrivateFile(runFile, `${JSON.stringify(localRun(facts), null, 2)}\n`);
  starting.defer(() => rmSync(runFile, { force: true }));
  print(announcement(facts));
  showApps();

  return starting.move();
}

async function pickOpsPorts(config: LauncherConfig): Promise<Record<AppName, number>> {
  const taken = new Set([config.PORT, config.DASHBOARD_PORT]);
  const ports: Record<AppName, number> = { ...PREFERRED_OPS_PORTS };
  for (const name of APP_NAMES) {
    ports[name] = await preferPort(PREFERRED_OPS_PORTS[name], taken);
    taken.add(ports[name]);
  }
  return ports;
}

/**
 * The logs, the terminal and the process records that every started process shares.
 *
 * What the apps have to say reaches the terminal from `showApps` on, with what was held back until then: when one of
 * them refuses to start, its reason is the one message, not the second of two.
 */
function useHousehold(
  options: LaunchOptions,
  records: ProcessRecords,
  stack: AsyncDisposableStack,
): { household: Household; showApps: () => void } {
  const toTerminal = terminalLines({ verbose: options.verbose, nowMs: Date.now });
  let held: string[] | null = options.verbose ? null : [];
  const logDir = join(options.config.dataDir, "logs");
  const launcherLog = stack.use(openLogFile(join(logDir, "launcher.log")));
  const household: Household = {
    records,
    report: (line) => {
      launcherLog.write(`${new Date().toISOString()} ${line}`);
      options.print(line);
    },
    logger: (name, kind) => {
      const file = stack.use(openLogFile(join(logDir, `${name}.log`)));
      return (line) => {
        file.write(line);
        // What the servers say is for their log files; what matters of it, the launcher says itself.
        const shown = kind === "app" || options.verbose ? toTerminal(name, line) : null;
        if (shown === null) return;
        if (held === null) options.print(shown);
        else held.push(shown);
      };
    },
  };
  const showApps = (): void => {
    for (const line of held ?? []) options.print(line);
    held = null;
  };
  return { household, showApps };
}

/** All at once, and each under supervision; the first that fails stops the others. */
async function startApps(
  specs: readonly AppSpec[],
  household: Household,
  stack: AsyncDisposableStack,
): Promise<void> {
  const starting = specs.map((spec) => {
    const onLine = household.logger(spec.name, "app");
    const waitUntilReady = { first: true };
    return supervise({
      name: spec.name,
      report: household.report,
      start: async () => {
        const app = await startApp(spec, {
          graceMs: APP_GRACE_MS,
          onLine,
          onPid: (pid) => household.records.set(spec.name, "app", pid),
          waitUntilReady: waitUntilReady.first,
        });
        waitUntilReady.first = false;
        return app;
      },
    });
  });
  const started = await Promise.allSettled(starting);
  const running = started.flatMap((result) =>
    result.status === "fulfilled" ? [result.value] : [],
  );
  stack.defer(async () => {
    await Promise.all(running.map((app) => app[Symbol.asyncDispose]()));
  });
  await Promise.all(starting);
}
