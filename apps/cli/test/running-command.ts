import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { cleanEnv } from "@reelgate/testkit/clean-env";
import type { CommandIo, ExitCode } from "../src/command-io.ts";
import { parseCommandLine } from "../src/command-line/program.ts";
import { portsOf } from "../src/compose.ts";
import { readCliConfig } from "../src/config.ts";
import type { CliConfig } from "../src/config.ts";

const MAIN = fileURLToPath(new URL("../src/main.ts", import.meta.url));

export interface CommandResult {
  code: number | null;
  out: string;
  err: string;
}

/** A command as a process of its own, from the sources. */
export function spawnCommand(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): { process: ChildProcess; result: Promise<CommandResult> } {
  const child = spawn(process.execPath, ["--conditions=source", MAIN, ...args], {
    env: cleanEnv({ DATA_DIR: "/nonexistent", ...env }),
    stdio: ["pipe", "pipe", "pipe"],
  });
  let out = "";
  let err = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    out += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    err += text;
  });
  return {
    process: child,
    result: once(child, "close").then(([code]) => ({ code: code as number | null, out, err })),
  };
}

export interface RunOptions {
  env: Readonly<Record<string, string>>;
  stdin?: string;
  /** What a person at a terminal answers; without it nobody is there. */
  answer?: boolean | (() => Promise<boolean>);
  columns?: number;
}

/** A command in this process, on real servers: what it printed, and how it ended. */
export async function runCommand(
  args: readonly string[],
  options: RunOptions,
): Promise<{ code: ExitCode; out: string; err: string; questions: string[] }> {
  let out = "";
  let err = "";
  const questions: string[] = [];
  const note = (text: string): void => {
    err += text;
  };
  const { answer } = options;
  const io: CommandIo = {
    print: (text) => {
      out += typeof text === "string" ? text : Buffer.from(text).toString("utf8");
      return Promise.resolve();
    },
    note,
    progress: new PassThrough().resume(),
    columns: options.columns ?? null,
    confirm:
      answer === undefined
        ? null
        : (question) => {
            questions.push(question);
            return typeof answer === "boolean" ? Promise.resolve(answer) : answer();
          },
    stdin: Readable.from([options.stdin ?? ""]),
    signal: new AbortController().signal,
  };
  const commandLine = parseCommandLine(args, "0.0.0", { out: note, err: note });
  if (commandLine.kind === "over") return { code: commandLine.exitCode, out, err, questions };
  await using opened = new AsyncDisposableStack();
  const read = (): CliConfig => readCliConfig({ DATA_DIR: "/nonexistent", ...options.env });
  const code = await commandLine.run(portsOf(opened, io, read), io);
  return { code, out, err, questions };
}

/** A folder of this test's own. */
export async function temporaryFolder(): Promise<{ path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), "reelgate-cli-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
