import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { localRunSchema } from "@reelgate/shared/contract/local-run";
import type { LocalRun } from "@reelgate/shared/contract/local-run";
import { cleanEnv } from "@reelgate/testkit/clean-env";
import { until } from "@reelgate/testkit/latch";
import { trackHandle } from "@reelgate/testkit/open-handles";
import { processIdentity } from "../src/process-identity.ts";
import { freePort } from "../src/servers/tcp-port.ts";

const SCRIPT = fileURLToPath(new URL("stand-in/launcher.ts", import.meta.url));
const START_TIMEOUT_MS = 90_000;

export interface DataDir extends AsyncDisposable {
  path: string;
  port: number;
  dashboardPort: number;
}

/** An empty data folder under one that only its owner can enter, and ports of its own. */
export async function makeDataDir(): Promise<DataDir> {
  const folder = await mkdtemp(join(tmpdir(), "reelgate-test-launcher-"));
  return {
    path: join(folder, "data"),
    port: await freePort(),
    dashboardPort: await freePort(),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

export interface RecordedProcess {
  name: string;
  pid: number;
  identity: string;
}

export interface LauncherProcess extends AsyncDisposable {
  pid: number;
  output(): string;
  ready(): Promise<LocalRun>;
  exitCode(): Promise<number | null>;
  kill(signal: NodeJS.Signals): void;
  /** Ends the channel to the process that started it, as that process's death does. */
  disconnect(): void;
}

export function startLauncher(
  dataDir: DataDir,
  env: Readonly<Record<string, string>> = {},
): LauncherProcess {
  const child = spawn(process.execPath, ["--conditions=source", SCRIPT], {
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    env: cleanEnv({
      DATA_DIR: dataDir.path,
      PORT: String(dataDir.port),
      DASHBOARD_PORT: String(dataDir.dashboardPort),
      ...env,
    }),
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (chunk: string) => {
      output += chunk;
    });
  }
  let disconnected = false;
  const exited = new Promise<number | null>((resolve) => {
    child.once("close", (code) => resolve(code));
    // Node never tells of the close of a child whose channel was disconnected from this side.
    child.once("exit", (code) => {
      if (disconnected) resolve(code);
    });
  });
  let running = true;
  void exited.then(() => {
    running = false;
    untrack();
  });
  const stop = async (): Promise<void> => {
    if (running) child.kill("SIGTERM");
    await exited;
  };
  const untrack = trackHandle("launcher", stop);
  return {
    pid: child.pid ?? 0,
    output: () => output,
    async ready() {
      await until(() => output.includes("Ctrl-C stops everything") || !running, {
        timeoutMs: START_TIMEOUT_MS,
        what: "the start",
      });
      if (!running) throw new Error(`the launcher ended: ${output}`);
      return localRunSchema.parse(JSON.parse(readFileSync(join(dataDir.path, "run.json"), "utf8")));
    },
    exitCode: () => exited,
    kill: (signal) => child.kill(signal),
    disconnect: () => {
      disconnected = true;
      child.disconnect();
    },
    [Symbol.asyncDispose]: stop,
  };
}

/** What the launcher of this folder has recorded as its processes. */
export function recordedProcesses(dataDir: DataDir): RecordedProcess[] {
  return JSON.parse(
    readFileSync(join(dataDir.path, "processes.json"), "utf8"),
  ) as RecordedProcess[];
}

export function recorded(dataDir: DataDir, name: string): RecordedProcess {
  const found = recordedProcesses(dataDir).find((entry) => entry.name === name);
  if (found === undefined) throw new Error(`${name} is not recorded`);
  return found;
}

export function isAlive(entry: RecordedProcess): boolean {
  return processIdentity(entry.pid) === entry.identity;
}

/** The environment that an app of the stand-in got, asked of the one that answers on this port. */
export async function envOf(port: number): Promise<Record<string, string>> {
  const response = await fetch(`http://127.0.0.1:${port}/env`);
  return (await response.json()) as Record<string, string>;
}
