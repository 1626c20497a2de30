import { chmod, lstat, mkdir, mkdtemp, rmdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { AppError } from "@reelgate/shared/errors";
import { makeFolders } from "../../storage/durable-files.ts";

const WORLD_MAY_WRITE = 0o002;
const GROUP_MAY_WRITE = 0o020;

/**
 * Makes the staging folder, for this user alone, or checks that it is this user's own. Its place is known to everybody on
 * the machine, and what lies in it is believed: a sealed copy is published without another look.
 *
 * A folder that its group may write to is closed to it: that is how Kubernetes leaves every folder of a volume with
 * `fsGroup`, at each start of a pod.
 *
 * @throws AppError `storage_refused` when it belongs to somebody else, or everybody may write to it, or it is no folder.
 */
export async function prepareStagingRoot(stagingRoot: string): Promise<void> {
  await makeFolders(dirname(stagingRoot));
  await mkdir(stagingRoot, { mode: 0o700 }).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") {
      throw error;
    }
  });
  const facts = await lstat(stagingRoot);
  if (!facts.isDirectory()) {
    throw refused(stagingRoot, "is no folder");
  }
  if (facts.uid !== (await ownUserId(stagingRoot))) {
    throw refused(stagingRoot, "belongs to another user");
  }
  if ((facts.mode & WORLD_MAY_WRITE) !== 0) {
    throw refused(stagingRoot, "can be written to by every user");
  }
  if ((facts.mode & GROUP_MAY_WRITE) !== 0) {
    await chmod(stagingRoot, 0o700);
  }
}

/** As the file system sees this process: over a network it may map users to others. */
async function ownUserId(folder: string): Promise<number> {
  const probe = await mkdtemp(join(folder, "probe-"));
  try {
    return (await lstat(probe)).uid;
  } finally {
    await rmdir(probe);
  }
}

function refused(stagingRoot: string, why: string): AppError {
  return new AppError("storage_refused", {
    message: `${stagingRoot} ${why}, so what lies in it cannot be trusted. Look at it, remove it, retry.`,
  });
}
