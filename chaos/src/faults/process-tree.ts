import { readFile } from "node:fs/promises";

/** Sends a signal to a process that may be gone. */
export type SendSignal = (pid: number, signal: NodeJS.Signals) => void;

/** The children of a process, as Linux tells; none when it cannot be asked. */
async function childrenOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8").catch(() => "");
  return text
    .trim()
    .split(" ")
    .filter((one) => one !== "")
    .map(Number);
}

/** Signals a process and then its children: each session of Postgres is a process with a session of its own. */
export async function signalTree(
  pid: number,
  signal: NodeJS.Signals,
  send: SendSignal,
): Promise<number> {
  // 0 would be this very process and all of its group.
  if (pid <= 0) throw new Error("there is no process to signal");
  send(pid, signal);
  const children = await childrenOf(pid);
  for (const child of children) send(child, signal);
  return children.length + 1;
}
