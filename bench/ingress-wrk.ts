import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { requestTemplate } from "./ingress-callbacks.ts";

export interface Load {
  requests: number;
  /** Callbacks answered 200 per second. */
  ratePerS: number;
  p50Ms: number;
  p99Ms: number;
  /** Answers other than 200, and requests without any. */
  failed: number;
  /** Of wrk itself. */
  cpuUs: number;
}

export interface LoadOptions {
  port: number;
  connections: number;
  seconds: number;
  /** Ids from here on have not been sent yet. */
  firstSerial: number;
  folder: string;
}

const SCRIPT = join(import.meta.dirname, "ingress-load.lua");
const run = promisify(execFile);

/** @throws with what to install when there is no wrk. */
export async function wrkVersion(): Promise<string> {
  // It ends with 1 after it has told its version.
  const { stdout } = await run("wrk", ["-v"]).catch((error: { stdout?: string }) => error);
  const version = /^wrk (\S+)/u.exec(stdout ?? "")?.[1];
  if (version === undefined) {
    throw new Error("wrk is needed, and not on PATH. Debian and Ubuntu: apt-get install wrk");
  }
  return version;
}

/** As many distinct callbacks as the server answers on so many connections. */
export async function loadWithWrk(options: LoadOptions): Promise<Load> {
  const file = join(options.folder, "request.txt");
  await writeFile(file, requestTemplate(options.port));
  const before = cpuOfEndedChildrenUs();
  const { stdout } = await run("wrk", [
    "-t1",
    `-c${options.connections}`,
    `-d${options.seconds}s`,
    "--timeout=5s",
    `--script=${SCRIPT}`,
    `http://127.0.0.1:${options.port}`,
    file,
    String(options.firstSerial),
  ]);
  const said = /^RESULT (?<json>.*)$/mu.exec(stdout)?.groups?.json;
  if (said === undefined) throw new Error(`wrk gave no result: ${stdout}`);
  const result = JSON.parse(said) as Record<
    "requests" | "durationUs" | "p50Us" | "p99Us" | "statusErrors" | "socketErrors",
    number
  >;
  return {
    requests: result.requests,
    ratePerS: (result.requests - result.statusErrors) / (result.durationUs / 1e6),
    p50Ms: result.p50Us / 1000,
    p99Ms: result.p99Us / 1000,
    failed: result.statusErrors + result.socketErrors,
    cpuUs: cpuOfEndedChildrenUs() - before,
  };
}

const TICK_US = 10_000;

/** User and system time of a process and of all that it forked: those that live, and those that have ended. */
export function cpuUs(pid: number): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ");
  let sum = 0;
  for (const child of children.filter(Boolean)) {
    try {
      sum += ticks(Number(child), 13) + ticks(Number(child), 14);
    } catch {
      // It has ended in this moment, and counts among those below.
    }
  }
  return (sum + [13, 14, 15, 16].reduce((own, field) => own + ticks(pid, field), 0)) * TICK_US;
}

/** Of children that were waited for: while wrk runs, nothing else ends. */
function cpuOfEndedChildrenUs(): number {
  return (ticks(process.pid, 15) + ticks(process.pid, 16)) * TICK_US;
}

/** A field of /proc/<pid>/stat, counted from 0; the name of the program is the second one and may hold spaces. */
function ticks(pid: number, field: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[field - 2]);
}
