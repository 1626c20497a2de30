import { createReadStream, createWriteStream } from "node:fs";
import { rename, rm, stat } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { type FileVersion, ifRangeValidator } from "../../http/file-version.ts";
import { currentBootId } from "../staging/process-identity.ts";
import type { Staging } from "../staging/open-staging.ts";
import { journalUrl, readJournal } from "./file-journal.ts";

/** The beginning of a file that an earlier download left, all of one version. */
export interface KeptPart {
  version: FileVersion | null;
  bytes: number;
}

const NOTHING: KeptPart = { version: null, bytes: 0 };

/** What is at `path` in the staging folder and can be trusted and added to; anything else there is removed. */
export async function keptPart(url: URL, staging: Staging, path: string): Promise<KeptPart> {
  const { folder, isContested } = staging;
  const [journal, facts, bootId] = await Promise.all([
    readJournal(folder),
    stat(path).catch(() => null),
    currentBootId(),
  ]);
  if (journal === null || facts === null || journal.url !== journalUrl(url)) {
    await rm(path, { force: true });
    return NOTHING;
  }
  const { version } = journal;
  // Bytes that were written stay when the process dies, not when the machine does: then only the flushed ones count.
  const wroteThisBoot = bootId !== null && journal.bootId === bootId && !isContested;
  const bytes = Math.min(
    wroteThisBoot ? facts.size : Math.min(facts.size, journal.syncedBytes),
    version.totalSizeBytes ?? Number.POSITIVE_INFINITY,
  );
  if (ifRangeValidator(version) === null && bytes !== version.totalSizeBytes) {
    await rm(path, { force: true });
    return NOTHING;
  }
  if (isContested) {
    await moveToNewFile(path, bytes);
  }
  return { version, bytes };
}

/** An owner that was only slow may have the file open: its next write goes to the old one, which nobody reads. */
async function moveToNewFile(path: string, bytes: number): Promise<void> {
  const copy = `${path}.copy`;
  const source = bytes === 0 ? [] : createReadStream(path, { end: bytes - 1 });
  await pipeline(source, createWriteStream(copy));
  await rename(copy, path);
}
