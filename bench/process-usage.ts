import { readFile, readdir } from "node:fs/promises";

/** The kernel's unit of CPU time in /proc, the same on every Linux that Node runs on (sysconf(_SC_CLK_TCK)). */
const TICKS_PER_S = 100;

interface ProcessTimes {
  parentPid: number;
  ownS: number;
  /** Of children that ended and were waited for. */
  endedChildrenS: number;
}

/**
 * CPU seconds of a process since it began; of a server that forks, those of its children too, also of ended ones.
 *
 * @throws when the process is gone.
 */
export async function cpuSeconds(pid: number): Promise<number> {
  const root = await timesOf(pid);
  let total = root.ownS + root.endedChildrenS;
  for (const child of await childrenOf(pid)) {
    // It may end between the listing and the look; then it is in its parent's sum the next time.
    const times = await timesOf(child).catch(() => null);
    total += times === null ? 0 : times.ownS + times.endedChildrenS;
  }
  return total;
}

async function childrenOf(pid: number): Promise<number[]> {
  const entries = await readdir("/proc");
  const found = await Promise.all(
    entries
      .filter((name) => /^\d+$/u.test(name))
      .map(async (name) => {
        const times = await timesOf(Number(name)).catch(() => null);
        return times?.parentPid === pid ? [Number(name)] : [];
      }),
  );
  return found.flat();
}

async function timesOf(pid: number): Promise<ProcessTimes> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  // The name in parentheses may itself have spaces and parentheses; fields are counted behind the last one.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const seconds = (index: number): number => Number(fields[index]) / TICKS_PER_S;
  return {
    parentPid: Number(fields[1]),
    ownS: seconds(11) + seconds(12),
    endedChildrenS: seconds(13) + seconds(14),
  };
}
