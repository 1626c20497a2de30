import { link, lstat, readdir, rename } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { pathToFileURL } from "node:url";
import { AppError } from "@reelgate/shared/errors";
import { makeFolderDurably, syncPath } from "./durable-files.ts";
import { hashFile } from "./hash-file.ts";
import type { StagedCopy, Storage } from "./storage.ts";
import { onDisk } from "./storage-errors.ts";

/** Begins with a dot: no part of a copy's name does. */
const STAGING_FOLDER = ".reelgate-staging";

/**
 * A storage in a local folder. Copies are made inside it, so that one step, which the file system does as a whole, puts
 * a copy under its name: `link` for a file and `rename` for a folder, since neither replaces what is there. Flushing
 * comes before that step (the copy is whole when its name appears) and after it (the name survives a crash).
 */
export function createLocalFolderStorage(root: string): Storage {
  return {
    stagingRoot: join(root, STAGING_FOLDER),
    async publish(copy, name, { signal, onProgress }): Promise<{ url: string }> {
      const path = join(root, ...name.split("/"));
      return await onDisk(root, async () => {
        signal.throwIfAborted();
        await makeFolderDurably(dirname(path));
        await (
          copy.kind === "file" ? publishFile(copy.path, path) : publishFolder(copy, path)
        ).catch(async (error: unknown) => {
          if (!(await isThere(copy, path, signal))) {
            throw error;
          }
        });
        await syncPath(dirname(path));
        onProgress?.(copy.sizeBytes, copy.kind === "file" ? 1 : copy.files.length);
        return { url: pathToFileURL(path).href };
      });
    },
    close: async () => {},
  };
}

const NO_HARD_LINKS: ReadonlySet<unknown> = new Set([
  "EPERM",
  "ENOTSUP",
  "EOPNOTSUPP",
  "ENOSYS",
  "EMLINK",
]);

async function publishFile(staged: string, path: string): Promise<void> {
  await syncPath(staged);
  try {
    await link(staged, path);
  } catch (error) {
    if (!NO_HARD_LINKS.has((error as NodeJS.ErrnoException).code)) {
      throw error;
    }
    // FAT and some network file systems. Only the owner of the staging folder comes here, and it belongs to this name.
    if (await exists(path)) {
      throw conflict(path);
    }
    await rename(staged, path);
  }
}

async function publishFolder(
  copy: Extract<StagedCopy, { kind: "folder" }>,
  path: string,
): Promise<void> {
  const folders = new Set([copy.path]);
  for (const { name } of copy.files) {
    const file = join(copy.path, name);
    await syncPath(file);
    folders.add(dirname(file));
  }
  for (const folder of folders) {
    await syncPath(folder);
  }
  // Fails when there is a file or a folder with anything in it (rename(2): ENOTDIR, ENOTEMPTY, EEXIST).
  await rename(copy.path, path);
}

/**
 * Tells after a failure whether the very copy stands under its name already. False: nothing stands there.
 *
 * @throws AppError `storage_conflict` when something else does.
 */
async function isThere(copy: StagedCopy, path: string, signal: AbortSignal): Promise<boolean> {
  signal.throwIfAborted();
  if (!(await exists(path))) {
    return false;
  }
  const expected =
    copy.kind === "file"
      ? [{ name: "", sizeBytes: copy.sizeBytes, sha256: copy.sha256 }]
      : copy.files;
  const present = await filesBelow(path);
  if (present.length !== expected.length) {
    throw conflict(path);
  }
  for (const { name, sizeBytes, sha256 } of expected) {
    const file = name === "" ? path : join(path, name);
    const found = present.includes(name) ? await hashFile(file, signal) : null;
    if (found?.sizeBytes !== sizeBytes || found.sha256 !== sha256) {
      throw conflict(path);
    }
    await syncPath(file);
  }
  return true;
}

/** Names of all files below a folder; of a file the one name "". */
async function filesBelow(path: string): Promise<string[]> {
  if (!(await lstat(path)).isDirectory()) {
    return [""];
  }
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(path, join(entry.parentPath, entry.name)).replaceAll(sep, "/"));
}

async function exists(path: string): Promise<boolean> {
  return await lstat(path).then(
    () => true,
    (error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") {
        return false;
      }
      throw error;
    },
  );
}

function conflict(path: string): AppError {
  return new AppError("storage_conflict", {
    message: `${path} holds other bytes than this recording; nothing was overwritten. Compare, remove the wrong one, retry.`,
  });
}
