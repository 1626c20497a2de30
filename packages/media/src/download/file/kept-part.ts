import { createReadStream, createWriteStream } from "node:fs";
import { lstat, rename, rm } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import {
  type FileVersion,
  ifRangeValidator,
  isSameVersion,
  provesVersion,
} from "../../http/file-version.ts";
import { addressHash, journalUrl } from "../address.ts";
import { currentBootId } from "../staging/process-identity.ts";
import type { Staging } from "../staging/open-staging.ts";
import { readJournal } from "./file-journal.ts";

/** The beginning of a file that an earlier download left, all of one version. */
export interface KeptPart {
  version: FileVersion | null;
  bytes: number;
}

const NOTHING: KeptPart = { version: null, bytes: 0 };

/**
 * What is at `path` in the staging folder and can be trusted and added to; anything else there is removed. Bytes that
 * lack some of the file prove themselves with the request for the rest (If-Range); those that lack none only count when
 * `current`, what the origin said just now, proves that they are its file.
 */
export async function keptPart(
  url: URL,
  current: FileVersion,
  staging: Staging,
  path: string,
): Promise<KeptPart> {
  const { folder, isContested } = staging;
  const [journal, facts, bootId] = await Promise.all([
    readJournal(folder),
    lstat(path).catch(() => null),
    currentBootId(),
  ]);
  if (journal === null || facts?.isFile() !== true || journal.url !== journalUrl(url)) {
    await rm(path, { force: true, recursive: true });
    return NOTHING;
  }
  const { version } = journal;
  // Bytes that were written stay when the process dies, not when the machine does: then only the flushed ones count.
  const wroteThisBoot = bootId !== null && journal.bootId === bootId && !isContested;
  const bytes = Math.min(
    wroteThisBoot ? facts.size : Math.min(facts.size, journal.syncedBytes),
    version.totalSizeBytes ?? Number.POSITIVE_INFINITY,
  );
  const isUsable =
    bytes === version.totalSizeBytes
      ? provesVersion(version, current) || isSameForLackOfProof(journal, url, current)
      : ifRangeValidator(version) !== null;
  if (!isUsable) {
    await rm(path, { force: true });
    return NOTHING;
  }
  if (isContested || facts.nlink > 1) {
    await moveToNewFile(path, bytes);
  }
  return { version, bytes };
}

/** An origin that names no versions: the same address with a file of the same size is all that it tells. */
function isSameForLackOfProof(
  { addressHash: known, version }: { addressHash: string; version: FileVersion },
  url: URL,
  current: FileVersion,
): boolean {
  return (
    ifRangeValidator(version) === null &&
    ifRangeValidator(current) === null &&
    isSameVersion(version, current) &&
    current.totalSizeBytes !== null &&
    known === addressHash(url)
  );
}

/**
 * An owner that was only slow may have the file open: its next write goes to the old one, which nobody reads. And a
 * process that died right after publishing left it under two names, of which the other is that of a verified copy.
 */
async function moveToNewFile(path: string, bytes: number): Promise<void> {
  const copy = `${path}.copy`;
  const source = bytes === 0 ? [] : createReadStream(path, { end: bytes - 1 });
  await pipeline(source, createWriteStream(copy));
  await rename(copy, path);
}
