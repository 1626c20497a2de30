import { readFile, readlink } from "node:fs/promises";
import { hostname } from "node:os";

/**
 * Who a process is, such that another process can tell later whether it still runs. A process id alone does not do:
 * it is given to others in time, and every container counts from 1. So it comes with the boot of the kernel, the
 * namespace in which it counts and the moment when the process began (proc(5), `/proc/[pid]/stat`, field 22).
 */
export interface ProcessIdentity {
  bootId: string;
  pidNamespace: string;
  pid: string;
  startTime: string;
}

/** Of this process; null where the kernel does not tell (not Linux, no /proc). */
export async function ownIdentity(): Promise<ProcessIdentity | null> {
  try {
    const [bootId, pidNamespace, pid] = await Promise.all([
      currentBootId(),
      readlink("/proc/self/ns/pid"),
      readlink("/proc/self"),
    ]);
    const stat = await readStat(pid);
    return bootId === null || stat === null
      ? null
      : { bootId, pidNamespace, pid, startTime: stat.startTime };
  } catch {
    return null;
  }
}

/** True when `other` certainly runs no more; false when it runs or cannot be seen from here. */
export async function isDead(
  other: ProcessIdentity | null,
  own: ProcessIdentity | null,
): Promise<boolean> {
  if (
    other === null ||
    own === null ||
    other.bootId !== own.bootId ||
    other.pidNamespace !== own.pidNamespace ||
    !/^\d{1,10}$/.test(other.pid)
  ) {
    return false;
  }
  const stat = await readStat(other.pid);
  // A zombie holds no files any more.
  return stat === null || stat.startTime !== other.startTime || /^[ZXx]$/.test(stat.state);
}

/** The boot of the machine; null where the kernel does not tell. */
export async function currentBootId(): Promise<string | null> {
  return await readFile("/proc/sys/kernel/random/boot_id", "utf8").then(
    // Two machines may share a folder, and images of virtual machines a state: the name parts them.
    (text) => `${text.trim()}@${hostname()}`,
    () => null,
  );
}

async function readStat(pid: string): Promise<{ state: string; startTime: string } | null> {
  const text = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => null);
  if (text === null) {
    return null;
  }
  // The second field is the program's name in parentheses, with anything in it.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return { state: fields[0] ?? "", startTime: fields[19] ?? "" };
}
