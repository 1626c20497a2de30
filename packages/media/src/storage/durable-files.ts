import { mkdir, open, rename, stat } from "node:fs/promises";
import { dirname } from "node:path";

/** Flushes a file, or a folder's list of names, to the disk. */
export async function syncPath(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Makes a folder with all folders above it, and returns the topmost that was not there; undefined when none was missing.
 *
 * Not `mkdir` with `recursive`: where a folder is there and takes no other, as in /proc, that of Node never ends.
 */
export async function makeFolders(folder: string): Promise<string | undefined> {
  const missing: string[] = [];
  for (let at = folder; !(await isThere(at)); at = dirname(at)) {
    missing.push(at);
  }
  for (const path of missing.toReversed()) {
    await mkdir(path).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") {
        throw error;
      }
    });
  }
  return missing.at(-1);
}

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") {
      return false;
    }
    throw error;
  }
}

/** Makes a folder with all folders above it, such that they are still there after the machine crashed. */
export async function makeFolderDurably(folder: string): Promise<void> {
  const first = await makeFolders(folder);
  if (first === undefined) {
    return;
  }
  // The name of each new folder stands in the one above it.
  for (let made = folder; made.length >= first.length; made = dirname(made)) {
    await syncPath(dirname(made));
  }
}

/**
 * Replaces a small file as a whole: whoever reads it, also after a crash, finds the old text or the new one. The name
 * itself is durable after the next `syncPath` of its folder.
 */
export async function replaceFile(path: string, text: string): Promise<void> {
  const next = `${path}.next`;
  const handle = await open(next, "w");
  try {
    await handle.writeFile(text);
    await handle.datasync();
  } finally {
    await handle.close();
  }
  await rename(next, path);
}
