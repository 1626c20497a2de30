import { fileURLToPath } from "node:url";
import { appScript, startApp } from "@reelgate/launcher/apps";
import type { AppName, RunningApp } from "@reelgate/launcher/apps";
import { lastingPort } from "@reelgate/launcher/servers/tcp-port";
import { cleanEnv } from "./clean-env.ts";
import { createLogSink } from "./log-sink.ts";
import type { LogSink } from "./log-sink.ts";
import { trackHandle } from "./open-handles.ts";

/** The checkout, which holds the built apps. */
export const CHECKOUT: string = fileURLToPath(new URL("../../../", import.meta.url));

export interface SpawnAppOptions {
  /** The app's whole configuration; the shell's own is not passed on. */
  env: Readonly<Record<string, string>>;
  /** Another script than the built app, for tests of the testkit itself. */
  script?: string;
  /** False to return while the app may still be starting. */
  waitUntilReady?: boolean;
}

/** A built app as a process of its own. */
export interface SpawnedApp extends AsyncDisposable {
  readonly pid: number;
  /** Where its `/metrics`, `/healthz` and `/readyz` are. */
  readonly opsUrl: string;
  readonly log: LogSink;
  /** Every line that is not JSON: what it printed when it refused to start, or crashed. */
  readonly plainLines: readonly string[];
  readonly exited: RunningApp["exited"];
  /** SIGTERM; SIGKILL after 20 s. */
  stop(): Promise<void>;
  /** SIGKILL and the like; waits until the process is gone. SIGSTOP and SIGCONT return at once. */
  kill(signal: NodeJS.Signals): Promise<void>;
}

const STOP_GRACE_MS = 20_000;

/**
 * Starts a built app and waits until its `/readyz` says 200. The app gets a free OPS_PORT unless `env` has one.
 *
 * @throws AppError with the app's last words when it does not come up.
 */
export async function spawnApp(name: AppName, options: SpawnAppOptions): Promise<SpawnedApp> {
  const opsPort = options.env.OPS_PORT ?? String(await lastingPort());
  const opsUrl = `http://127.0.0.1:${opsPort}`;
  const log = createLogSink();
  const plainLines: string[] = [];
  const app = await startApp(
    {
      name,
      script: options.script ?? appScript(CHECKOUT, name),
      env: cleanEnv({ OPS_HOST: "127.0.0.1", ...options.env, OPS_PORT: opsPort }),
      readyUrls: [`${opsUrl}/readyz`],
    },
    {
      graceMs: STOP_GRACE_MS,
      onLine: (line) => {
        if (line.startsWith("{")) log.stream.write(`${line}\n`);
        else plainLines.push(line);
      },
      onPid: () => {},
      waitUntilReady: options.waitUntilReady ?? true,
    },
  );
  const untrack = trackHandle(`${name} (process ${app.pid})`, () => app.stop());
  void app.exited.then(untrack);
  const stop = async (): Promise<void> => {
    app.kill("SIGCONT");
    await app.stop();
  };
  return {
    pid: app.pid,
    opsUrl,
    log,
    plainLines,
    exited: app.exited,
    stop,
    async kill(signal) {
      app.kill(signal);
      if (signal !== "SIGSTOP" && signal !== "SIGCONT") await app.exited;
    },
    [Symbol.asyncDispose]: stop,
  };
}
