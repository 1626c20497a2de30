import { readFile } from "node:fs/promises";

/**
 * How many files, connections among them, this process may have open; null where the system does not tell, which is
 * everywhere but on Linux. Node raises its own soft limit to the hard one when it starts.
 */
export async function openFilesLimit(): Promise<number | null> {
  const text = await readFile("/proc/self/limits", "utf8").catch(() => "");
  const soft = /^Max open files\s+(\d+)/mu.exec(text)?.[1];
  return soft === undefined ? null : Number(soft);
}
