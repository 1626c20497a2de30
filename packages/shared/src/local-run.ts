import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { LOCAL_RUN_FILE, localRunSchema } from "./contract/local-run.ts";
import type { LocalRun } from "./contract/local-run.ts";

/**
 * The `npm start` that runs on this DATA_DIR; null when there is none. A file that a crash left behind does not count.
 *
 * @param isAlive whether a process with this id runs.
 */
export async function readLocalRun(
  dataDir: string,
  isAlive: (pid: number) => boolean,
): Promise<LocalRun | null> {
  let text: string;
  try {
    text = await readFile(join(dataDir, LOCAL_RUN_FILE), "utf8");
  } catch {
    return null;
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return null;
  }
  const parsed = localRunSchema.safeParse(json);
  return parsed.success && isAlive(parsed.data.pid) ? parsed.data : null;
}
