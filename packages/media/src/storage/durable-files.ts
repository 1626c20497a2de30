import { mkdir, open, rename } from "node:fs/promises";
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

/** Makes a folder with all folders above it, such that they are still there after the machine crashed. */
export async function makeFolderDurably(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true });
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
