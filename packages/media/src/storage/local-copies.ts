import { constants, type FileHandle, open, readlink, realpath, stat } from "node:fs/promises";
import { platform } from "node:os";
import { join } from "node:path";
import type { FolderTarget } from "./storage-url.ts";
import { placeOf } from "./copy-place.ts";
import { onDisk } from "./storage-errors.ts";
import type { StoredCopies, StoredFile } from "./stored-copies.ts";

const READ_BYTES = 262_144;

/**
 * Reads copies of a local folder. A file counts as found only when no symbolic link leads to it below the root: whoever
 * can put a link into the storage must not be able to show other files of the machine.
 */
export function createLocalCopies(target: FolderTarget): StoredCopies {
  return {
    async find(storedUrl, file, signal): Promise<StoredFile | null> {
      signal.throwIfAborted();
      const place = placeOf(target, storedUrl, file);
      if (place === null) return null;
      return await onDisk(target.root, async () => {
        // Fails when the storage is not there, which says nothing of the copy.
        const root = await realpath(target.root);
        const path = join(root, ...place.split("/"));
        const handle = await openPlainFile(path);
        return handle === null ? null : await foundIn(handle, path);
      });
    },
    close: async () => {},
  };
}

const NOT_THERE: ReadonlySet<unknown> = new Set(["ENOENT", "ENOTDIR", "ELOOP", "ENAMETOOLONG"]);

async function openPlainFile(path: string): Promise<FileHandle | null> {
  try {
    // Not blocking: a pipe in the place of the file would be waited for.
    return await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (NOT_THERE.has((error as NodeJS.ErrnoException).code)) return null;
    throw error;
  }
}

async function foundIn(handle: FileHandle, path: string): Promise<StoredFile | null> {
  await using opened = new AsyncDisposableStack();
  opened.defer(() => handle.close());
  const found = await handle.stat({ bigint: true });
  if (!found.isFile() || !(await isItself(handle, path, found))) return null;
  const owned = opened.move();
  return {
    sizeBytes: Number(found.size),
    etag: `"${found.size.toString(36)}-${found.mtimeNs.toString(36)}"`,
    modifiedAt: found.mtime,
    read: ({ first, last }) =>
      Promise.resolve(
        handle.createReadStream({
          start: first,
          end: last,
          highWaterMark: READ_BYTES,
          autoClose: false,
        }),
      ),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/**
 * Whether what was opened lies at `path` itself, and no link led to it.
 *
 * Linux is asked where the opened file is. Any look at the path instead can see another file than was opened: who swaps
 * a folder and a link, over and over, had his way with `stat` and `realpath` within a thousand requests. Elsewhere
 * (macOS) there is nothing better than these two.
 */
async function isItself(
  handle: FileHandle,
  path: string,
  opened: { dev: bigint; ino: bigint },
): Promise<boolean> {
  if (platform() === "linux") return (await readlink(`/proc/self/fd/${handle.fd}`)) === path;
  try {
    const now = await stat(path, { bigint: true });
    return (await realpath(path)) === path && now.dev === opened.dev && now.ino === opened.ino;
  } catch (error) {
    if (NOT_THERE.has((error as NodeJS.ErrnoException).code)) return false;
    throw error;
  }
}
