import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { AppError } from "@reelgate/shared/errors";
import { z } from "zod";
import { processIdentity } from "./process-identity.ts";

const LOCK_FILE = "launcher.lock";
const ownerSchema = z.object({ pid: z.number().int().positive(), identity: z.string() });
type Owner = z.infer<typeof ownerSchema>;

export interface DataDirLock {
  release(): void;
}

/**
 * Makes this process the only launcher on a data folder: two would start two servers on the same files.
 *
 * The lock names its process with the start time, so that the lock of one that was killed is recognised and taken
 * over, also when another process has its pid by now.
 *
 * @throws AppError `setup_failed` when another launcher lives on this folder.
 */
export function lockDataDir(dataDir: string): DataDirLock {
  const path = join(dataDir, LOCK_FILE);
  const identity = processIdentity(process.pid);
  if (identity === null)
    throw new AppError("setup_failed", {
      message: "This system does not tell when a process started.",
    });
  const mine = `${path}.${process.pid}`;
  writeFileSync(mine, JSON.stringify({ pid: process.pid, identity } satisfies Owner), {
    mode: 0o600,
  });
  try {
    while (!linked(mine, path)) takeOverOrFail(path, mine, dataDir);
  } finally {
    rmSync(mine, { force: true });
  }
  return { release: () => rmSync(path, { force: true }) };
}

/** A link appears with its whole content or not at all, and only where there is none: two launchers cannot both win. */
function linked(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

function takeOverOrFail(path: string, mine: string, dataDir: string): void {
  const owner = readOwner(path);
  if (owner !== null && processIdentity(owner.pid) === owner.identity) {
    throw new AppError("setup_failed", {
      message: `Another npm start (process ${owner.pid}) is using ${dataDir}. Stop it, or set another DATA_DIR.`,
    });
  }
  // Renamed rather than removed: of two launchers that found the same stale lock, the slower one would remove the
  // faster one's fresh lock. The rename shows which lock it got.
  const stale = `${mine}.stale`;
  try {
    renameSync(path, stale);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw error;
  }
  const got = readOwner(stale);
  if (got !== null && processIdentity(got.pid) === got.identity) linked(stale, path);
  rmSync(stale, { force: true });
}

function readOwner(path: string): Owner | null {
  try {
    return ownerSchema.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch {
    return null;
  }
}
