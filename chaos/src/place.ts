import { chmod, mkdir, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { SendSignal } from "./faults/process-tree.ts";

/** Where a run keeps its files, and what it needs of the process around it. */
export interface Place {
  dataDir: string;
  logDir: string;
  /** Of the recordings' copies. */
  storageDir: string;
  env: NodeJS.ProcessEnv;
  send: SendSignal;
}

/**
 * Makes the folders of a run.
 *
 * @param given `--data-dir`; a new temporary folder otherwise.
 */
export async function makePlace(
  given: string | null,
  context: Pick<Place, "env" | "send">,
): Promise<Place> {
  const parent = given === null ? tmpdir() : resolve(given);
  await mkdir(parent, { recursive: true });
  const dataDir = await mkdtemp(join(parent, "reelgate-chaos-"));
  // As root, Postgres runs as another user, who has to pass through.
  await chmod(dataDir, 0o711);
  const logDir = join(dataDir, "logs");
  const storageDir = join(dataDir, "recordings");
  await mkdir(logDir);
  await mkdir(storageDir, { mode: 0o700 });
  return { dataDir, logDir, storageDir, ...context };
}
