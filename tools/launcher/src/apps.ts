import { request } from "node:http";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { AppError } from "@reelgate/shared/errors";
import { describeExit, startProcess } from "./servers/child-process.ts";
import type { RunningProcess } from "./servers/child-process.ts";
import { recentLines } from "./servers/recent-lines.ts";

export const APP_NAMES = ["ingress", "worker", "dashboard"] as const;
export type AppName = (typeof APP_NAMES)[number];

/** How one app is started: a script for this Node, its environment, and the URLs that answer 200 when it is ready. */
export interface AppSpec {
  name: AppName;
  script: string;
  env: NodeJS.ProcessEnv;
  readyUrls: readonly string[];
}

export interface RunningApp {
  readonly pid: number;
  readonly exited: RunningProcess["exited"];
  kill(signal: NodeJS.Signals): void;
  stop(): Promise<void>;
}

const READY_DEADLINE_MS = 60_000;
const READY_POLL_MS = 50;

/** The built entry of an app, in the checkout. */
export function appScript(root: string, name: AppName): string {
  return join(root, "apps", name, "dist", "main.js");
}

/**
 * A download passes through buffers that live for milliseconds, each with a small object in the young generation. With
 * its default size that generation is collected so seldom that 60 MB of dead buffers wait in it (measured: npm run bench
 * -- media). deploy/Dockerfile has the same flags.
 */
export const NODE_FLAGS: Partial<Record<AppName, readonly string[]>> = {
  worker: ["--max-semi-space-size=2"],
};

export interface StartAppOptions {
  /** How long a stop waits before it kills. */
  graceMs: number;
  onLine: (line: string) => void;
  onPid: (pid: number) => void;
  /**
   * False for an app that is started again: it may have to wait for the server whose loss ended it, and ending it for
   * that would help nobody.
   */
  waitUntilReady: boolean;
}

/**
 * Starts an app and, if asked, waits until it says that it is ready.
 *
 * @throws AppError `setup_failed` with the app's own last words when it ends, or is not ready in a minute.
 */
export async function startApp(spec: AppSpec, options: StartAppOptions): Promise<RunningApp> {
  const lines = recentLines(12);
  const running = await startProcess({
    command: process.execPath,
    args: ["--enable-source-maps", ...(NODE_FLAGS[spec.name] ?? []), spec.script],
    env: spec.env,
    onLine: (line) => {
      lines.add(line);
      options.onLine(line);
    },
  });
  options.onPid(running.pid);
  const stop = (): Promise<void> => running.stop("SIGTERM", options.graceMs);
  const deadlineMs = Date.now() + READY_DEADLINE_MS;
  while (options.waitUntilReady && !(await allReady(spec.readyUrls))) {
    if (running.hasExited()) {
      const exit = describeExit(await running.exited);
      throw new AppError("setup_failed", {
        message: `The ${spec.name} did not start (${exit}): ${lastWords(lines.all())}`,
      });
    }
    if (Date.now() > deadlineMs) {
      await stop();
      throw new AppError("setup_failed", {
        message: `The ${spec.name} was not ready within ${READY_DEADLINE_MS / 1000} s: ${lastWords(lines.all())}`,
      });
    }
    await delay(READY_POLL_MS);
  }
  return { pid: running.pid, exited: running.exited, kill: (signal) => running.kill(signal), stop };
}

/** What an app prints when it refuses to start is plain text; its log lines before that are JSON and of no interest. */
function lastWords(lines: readonly string[]): string {
  const plain = lines.filter((line) => !line.startsWith("{"));
  return (plain.length > 0 ? plain : lines).join("\n") || "it printed nothing";
}

async function allReady(urls: readonly string[]): Promise<boolean> {
  const answers = await Promise.all(urls.map((url) => answersOk(url)));
  return answers.every(Boolean);
}

function answersOk(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const asked = request(url, { agent: false, timeout: 2000 }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    asked.once("timeout", () => asked.destroy());
    asked.once("error", () => resolve(false));
    asked.end();
  });
}
