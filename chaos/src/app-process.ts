import { join } from "node:path";
import { appScript, startApp } from "@reelgate/launcher/apps";
import type { AppName, RunningApp } from "@reelgate/launcher/apps";
import { openLogFile } from "@reelgate/launcher/log-file";
import { describeExit } from "@reelgate/launcher/servers/child-process";
import { lastingPort } from "@reelgate/launcher/servers/tcp-port";
import { supervise } from "@reelgate/launcher/supervise";
import { cleanEnv } from "@reelgate/testkit/clean-env";
import { CHECKOUT } from "@reelgate/testkit/spawn-app";

/** As a container engine sees it: who ran for ten seconds is started again after the shortest pause. */
const HEALTHY_MS = 10_000;
const STOP_GRACE_MS = 15_000;

export interface AppProcessOptions {
  app: AppName;
  /** Of this replica, such as `worker-1`. */
  name: string;
  env: Readonly<Record<string, string>>;
  logDir: string;
  note: (line: string) => void;
}

/** A built app under a supervisor, on ports that stay the same. */
export interface AppProcess extends AsyncDisposable {
  readonly name: string;
  /** Where its `/metrics`, `/healthz` and `/readyz` are. */
  readonly opsUrl: string;
  readonly logPath: string;
  /** Ends that no fault asked for. A product that heals by itself has none. */
  readonly crashes: readonly string[];
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>;
  signal(signal: "SIGSTOP" | "SIGCONT"): void;
}

/** Starts an app and waits until it is ready; from then on it is started again whenever it ends. */
export async function startAppProcess(options: AppProcessOptions): Promise<AppProcess> {
  const { app, name, note } = options;
  const opsPort = await lastingPort();
  const opsUrl = `http://127.0.0.1:${opsPort}`;
  const logPath = join(options.logDir, `${name}.log`);
  const log = openLogFile(logPath);
  const crashes: string[] = [];
  const asked = new WeakSet<RunningApp>();
  let isStopping = false;
  let isFirst = true;
  const start = async (): Promise<RunningApp> => {
    const running = await startApp(
      {
        name: app,
        script: appScript(CHECKOUT, app),
        env: cleanEnv({ OPS_HOST: "127.0.0.1", ...options.env, OPS_PORT: String(opsPort) }),
        readyUrls: [`${opsUrl}/readyz`],
      },
      {
        graceMs: STOP_GRACE_MS,
        onLine: (line) => log.write(line),
        onPid: () => {},
        waitUntilReady: isFirst,
      },
    );
    isFirst = false;
    void running.exited.then((exit) => {
      if (!asked.has(running) && !isStopping) crashes.push(`${name}: ${describeExit(exit)}`);
    });
    return running;
  };
  const supervised = await supervise({ name, start, report: note, healthyMs: HEALTHY_MS });
  return {
    name,
    opsUrl,
    logPath,
    crashes,
    async kill() {
      const running = supervised.current();
      asked.add(running);
      running.kill("SIGKILL");
      await running.exited;
    },
    signal: (signal) => supervised.current().kill(signal),
    async [Symbol.asyncDispose]() {
      isStopping = true;
      supervised.current().kill("SIGCONT");
      await supervised[Symbol.asyncDispose]();
      log[Symbol.dispose]();
    },
  };
}
