import { execFile } from "node:child_process";
import { cp, mkdir, open, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { errorMessage } from "@reelgate/shared/errors";

const run = promisify(execFile);

/** Room for what comes while Redis is away for minutes; little enough to be filled at once. */
const SIZE = "64m";
const FILLER = "filler";
const CHUNKS_BYTES = [1_048_576, 4096, 1];

/** The disk of one ingress's spool: a file system of its own where that can be had. */
export interface SpoolDisk extends AsyncDisposable {
  readonly dir: string;
  /** Why it cannot be filled; null when it can. */
  readonly limit: string | null;
  /** Takes all the room that is left. True when a byte more is refused with ENOSPC. */
  fill(): Promise<boolean>;
  empty(): Promise<void>;
  /** Copies what is in it to a folder that stays. */
  keep(to: string): Promise<void>;
}

/** Mounts a small tmpfs, which takes root on Linux; a plain folder, which cannot be filled, otherwise. */
export async function openSpoolDisk(dir: string): Promise<SpoolDisk> {
  await mkdir(dir, { mode: 0o700 });
  const limit = await mount(dir);
  const filler = join(dir, FILLER);
  return {
    dir,
    limit,
    fill: () => fillUp(filler),
    empty: () => rm(filler, { force: true }),
    keep: (to) => cp(dir, to, { recursive: true }),
    async [Symbol.asyncDispose]() {
      if (limit === null) await run("umount", [dir]);
    },
  };
}

async function mount(dir: string): Promise<string | null> {
  try {
    await run("mount", ["-t", "tmpfs", "-o", `size=${SIZE},mode=0700`, "tmpfs", dir]);
    return null;
  } catch (error) {
    const [reason = ""] = errorMessage(error).trim().split("\n").slice(-1);
    return `a disk of its own cannot be mounted here (${reason})`;
  }
}

async function fillUp(path: string): Promise<boolean> {
  const file = await open(path, "a");
  try {
    for (const size of CHUNKS_BYTES) {
      const chunk = Buffer.alloc(size);
      while (await hasRoomFor(file, chunk));
    }
    return !(await hasRoomFor(file, Buffer.alloc(1)));
  } finally {
    await file.close();
  }
}

async function hasRoomFor(file: Awaited<ReturnType<typeof open>>, chunk: Buffer): Promise<boolean> {
  try {
    const { bytesWritten } = await file.write(chunk);
    return bytesWritten === chunk.length;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOSPC") return false;
    throw error;
  }
}
