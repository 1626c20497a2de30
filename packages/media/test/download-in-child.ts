import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";

const CHILD = join(import.meta.dirname, "download-child.mjs");

/** Downloads in a process of its own, killed as soon as so many bytes came. Null: it was. */
export async function downloadInChild(
  url: string,
  root: string,
  name: string,
  killAtBytes: number,
  onBytes?: (bytes: number) => void,
): Promise<unknown> {
  const child = spawn(
    process.execPath,
    ["--conditions=source", "--no-warnings", CHILD, url, root, name],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const exited = once(child, "exit");
  let last = "";
  for await (const line of createInterface({ input: child.stdout })) {
    last = line;
    onBytes?.(Number(line));
    if (Number(line) >= killAtBytes) {
      child.kill("SIGKILL");
    }
  }
  const [, signal] = (await exited) as [number | null, string | null];
  return signal === "SIGKILL" ? null : JSON.parse(last);
}
