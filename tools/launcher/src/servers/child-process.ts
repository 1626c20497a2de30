import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { AppError } from "@reelgate/shared/errors";
import { withinMs } from "@reelgate/shared/lifecycle";

export interface ProcessExit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface StartProcessOptions {
  command: string;
  args: readonly string[];
  env: NodeJS.ProcessEnv;
  cwd?: string;
  uid?: number;
  gid?: number;
  /** Written to the program's stdin, which is then closed. */
  input?: string;
  /** Every line of stdout and stderr. */
  onLine: (line: string) => void;
}

/** A program that was started and is stopped by its own handle. */
export interface RunningProcess {
  readonly pid: number;
  /** Settles, and never rejects, when the program has ended and its output has been read. */
  readonly exited: Promise<ProcessExit>;
  hasExited(): boolean;
  kill(signal: NodeJS.Signals): void;
  /** Sends `signal`, then SIGKILL after `deadlineMs`; resolves when the program is gone. */
  stop(signal: NodeJS.Signals, deadlineMs: number): Promise<void>;
}

/**
 * Starts a program in a process group of its own: a Ctrl-C of the terminal goes to the whole foreground group, and
 * would stop Redis under the apps that are still finishing their work.
 *
 * @throws AppError `tool_missing` when there is no such program, `setup_failed` when it cannot be run.
 */
export async function startProcess(options: StartProcessOptions): Promise<RunningProcess> {
  const child = spawn(options.command, [...options.args], {
    stdio: ["pipe", "pipe", "pipe"],
    detached: true,
    env: options.env,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.uid === undefined ? {} : { uid: options.uid }),
    ...(options.gid === undefined ? {} : { gid: options.gid }),
  });
  const exited = new Promise<ProcessExit>((resolve) => {
    child.once("close", (code, signal) => resolve({ code, signal }));
  });
  let gone = false;
  child.once("exit", () => {
    gone = true;
  });
  readLines(child.stdout, options.onLine);
  readLines(child.stderr, options.onLine);
  // A program that ends before it has read its input breaks the pipe; its exit says so already.
  child.stdin.on("error", () => {});
  child.stdin.end(options.input ?? "");
  const pid = await spawned(child, options.command);
  const kill = (signal: NodeJS.Signals): void => {
    child.kill(signal);
  };
  return {
    pid,
    exited,
    hasExited: () => gone,
    kill,
    async stop(signal, deadlineMs) {
      if (!gone) kill(signal);
      if (await withinMs(exited, deadlineMs)) return;
      kill("SIGKILL");
      await exited;
    },
  };
}

function readLines(stream: Readable, onLine: (line: string) => void): void {
  createInterface({ input: stream, crlfDelay: Infinity }).on("line", onLine);
}

function spawned(child: ChildProcess, command: string): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once("spawn", () => resolve(child.pid as number));
    child.once("error", (error: NodeJS.ErrnoException) => {
      const missing = error.code === "ENOENT";
      reject(
        new AppError(missing ? "tool_missing" : "setup_failed", {
          message: missing
            ? `${command} is not installed.`
            : `${command} cannot be run: ${error.message}`,
          cause: error,
        }),
      );
    });
  });
}

/** "exit code 3" or "signal SIGKILL", for messages. */
export function describeExit(exit: ProcessExit): string {
  return exit.signal === null ? `exit code ${exit.code ?? "unknown"}` : `signal ${exit.signal}`;
}
