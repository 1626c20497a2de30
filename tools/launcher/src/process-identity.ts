import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/**
 * Says which process has this pid now, as a text that no other process of this machine ever has: pids are reused, a
 * pid with its start time is not.
 *
 * @returns null when no such process lives (a zombie counts as dead).
 */
export function processIdentity(pid: number): string | null {
  return process.platform === "linux" ? fromProc(pid) : fromPs(pid);
}

function fromProc(pid: number): string | null {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return null;
  }
  // proc_pid_stat(5): the name in parentheses may itself hold spaces and parentheses; after it come field 3 (state)
  // and on. Field 22 is the start time in clock ticks since boot.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state] = fields;
  if (state === "Z" || state === "X") return null;
  const bootId = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  return `${bootId}:${fields[19] ?? ""}`;
}

function fromPs(pid: number): string | null {
  try {
    const started = execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
    return started === "" ? null : started;
  } catch {
    return null;
  }
}
