import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";

export interface ToolRun {
  /** Null when a signal ended it, or when it is not installed. */
  exitCode: number | null;
  isInstalled: boolean;
  /** From the start of the process to its exit. */
  wallMs: number;
  /** As last seen: within 20 ms of the end. Null where the system does not tell. */
  peakRssBytes: number | null;
  stdout: string;
  stderr: string;
}

const RSS_EVERY_MS = 20;

/** Runs another program to its end. */
export async function runTool(command: string, args: readonly string[]): Promise<ToolRun> {
  const startedMs = performance.now();
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  let peak: number | null = null;
  const timer = setInterval(() => {
    void peakRssBytes(child.pid ?? 0).then((bytes) => (peak = bytes ?? peak));
  }, RSS_EVERY_MS);
  const ended = await once(child, "close").catch((error: NodeJS.ErrnoException) => error);
  clearInterval(timer);
  const wallMs = performance.now() - startedMs;
  if (Array.isArray(ended)) {
    const exitCode = ended[0] as number | null;
    return { exitCode, isInstalled: true, wallMs, peakRssBytes: peak, stdout, stderr };
  }
  if (ended.code !== "ENOENT") throw ended;
  return { exitCode: null, isInstalled: false, wallMs, peakRssBytes: null, stdout, stderr };
}

/**
 * The most memory that a process ever held, from /proc: getrusage's maxrss is no measure of a child, since Linux hands
 * on what the parent held when it forked (exec_mmap in fs/exec.c).
 */
async function peakRssBytes(pid: number): Promise<number | null> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  const kilobytes = /^VmHWM:\s+(\d+) kB$/mu.exec(status)?.[1];
  return kilobytes === undefined ? null : Number(kilobytes) * 1_024;
}

/** The version that a tool tells of itself; null when it is not installed. */
export async function versionOf(tool: "curl" | "ffmpeg" | "yt-dlp"): Promise<string | null> {
  const { isInstalled, stdout } = await runTool(tool, [
    tool === "ffmpeg" ? "-version" : "--version",
  ]);
  return isInstalled ? (/(\d[\w.-]*)/.exec(stdout)?.[1] ?? "?") : null;
}
