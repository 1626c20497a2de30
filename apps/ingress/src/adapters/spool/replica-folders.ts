import { mkdir, readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { AppError, errorMessage } from "@reelgate/shared/errors";
import type { OrphanSpools, Spool } from "../../ingest/ports.ts";
import { FileSpool, syncFolder } from "./file-spool.ts";
import type { FileSpoolOptions } from "./file-spool.ts";

const REPLICA_NAME = /^replica-\d{1,3}$/u;
const MAX_REPLICAS = 100;

/** The spools of all replicas that share one SPOOL_DIR: each takes the first folder that no other has. */
export interface ReplicaSpools {
  own: FileSpool;
  /** What replicas that are gone have left. */
  orphans: OrphanSpools;
}

/**
 * Opens a spool of this process's own below `root`, which is made if it is not there.
 *
 * @throws AppError `spool_unusable` when nothing can be written there, or 100 replicas are there already.
 */
export async function openReplicaSpool(
  root: string,
  options: Omit<FileSpoolOptions, "folder">,
): Promise<ReplicaSpools> {
  try {
    for (let replica = 0; replica < MAX_REPLICAS; replica += 1) {
      const folder = join(root, `replica-${replica}`);
      await makeFolder(folder);
      const own = await FileSpool.open({ ...options, folder });
      if (own !== null) return { own, orphans: orphansBelow(root, options) };
    }
  } catch (error) {
    throw new AppError("spool_unusable", {
      message: `SPOOL_DIR=${root} cannot be used as a spool: ${errorMessage(error)}.`,
      cause: error,
    });
  }
  throw new AppError("spool_unusable", {
    message: `SPOOL_DIR=${root} has ${MAX_REPLICAS} replicas already, all of them running.`,
  });
}

/** The names of new folders must survive what the segments in them survive. */
async function makeFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  for (let made = folder; made.length >= first.length; made = dirname(made)) {
    await syncFolder(dirname(made));
  }
}

function orphansBelow(root: string, options: Omit<FileSpoolOptions, "folder">): OrphanSpools {
  return async function* orphans(): AsyncGenerator<Spool> {
    const names = (await readdir(root)).filter((name) => REPLICA_NAME.test(name));
    const failures: unknown[] = [];
    for (const name of names) {
      // Null for the spool of a replica that runs, this one's too: an open lock is busy for its own process as well.
      const spool = await FileSpool.open({ ...options, folder: join(root, name) }).catch(
        (error: unknown) => {
          // The others must not wait for one that cannot be opened.
          failures.push(error);
          return null;
        },
      );
      if (spool === null) continue;
      try {
        if (spool.depth.callbacks > 0 || spool.depth.bytes > 0) yield spool;
      } finally {
        await spool[Symbol.asyncDispose]();
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, "some spools cannot be opened");
  };
}
