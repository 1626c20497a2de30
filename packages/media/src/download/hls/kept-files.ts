import { lstat } from "node:fs/promises";
import { AppError } from "@reelgate/shared/errors";
import { ifRangeValidator, provesVersion, versionOf } from "../../http/file-version.ts";
import type { MediaClient } from "../../http/media-client.ts";
import { hashFile } from "../../storage/hash-file.ts";
import type { CopyFolder } from "./copy-folder.ts";
import { type DoneFile, type HlsRecords, type Origin, originOf } from "./hls-journal.ts";
import type { LocalPart } from "./local-files.ts";
import { runLanes } from "../../concurrency/run-lanes.ts";

/** Bounded by the disk; as many requests at a time as while fetching, where any are needed. */
const LANES = 8;

/**
 * What is left of an earlier run, and still good: files whose bytes are on the disk as they were noted, and that the
 * playlist still means. Under the same address it does, as long as the first of them is unchanged. Under one with another
 * query, which may be a new signature or another file, the origin is asked for the last byte if it is still that version
 * (If-Range).
 *
 * @throws errors of the disk as they come; the reason of the signal.
 */
export async function keepGoodFiles(
  client: MediaClient,
  records: HlsRecords,
  parts: readonly LocalPart[],
  folder: CopyFolder,
  outer: AbortSignal,
): Promise<{ records: HlsRecords; partBytes: ReadonlyMap<string, number> }> {
  const done = new Map<string, DoneFile>();
  const begun = new Map(records.begun);
  const partBytes = new Map<string, number>();
  const known = parts.filter(({ stem }) => records.done.has(stem) || records.begun.has(stem));
  const areAddressesTrusted = await isFirstUnchanged(client, known, records, outer);
  await runLanes(known, LANES, outer, async ({ stem, part }, signal) => {
    const file = records.done.get(stem);
    const origin = records.begun.get(stem);
    if (file !== undefined && (await isWhole(folder.filePath(file.name), file, signal))) {
      const isSame = areAddressesTrusted && isSameAddress(part.file.url, file);
      if (isSame || (await isUnchanged(client, part.file.url, file, signal))) {
        done.set(stem, file);
        begun.delete(stem);
        return;
      }
    }
    const size = origin === undefined ? null : await sizeOf(folder.partPath(stem));
    if (origin === undefined || size === null || ifRangeValidator(origin.version) === null) {
      begun.delete(stem);
    } else {
      // One byte less than there is: all of a part may have come before a stop that kept it from being noted, and under
      // the same address there may be another file by now. So the origin is asked for the rest of every part.
      partBytes.set(stem, Math.max(0, size - 1));
    }
  });
  return { records: { done, begun }, partBytes };
}

async function isWhole(path: string, file: DoneFile, signal: AbortSignal): Promise<boolean> {
  if ((await sizeOf(path)) !== file.sizeBytes) {
    return false;
  }
  return (await hashFile(path, signal)).sha256 === file.sha256;
}

/**
 * A recording that was made anew lies under the same addresses as the one before. One request tells, where the origin
 * names versions: if the first file is another one by now, every other is asked for too.
 */
async function isFirstUnchanged(
  client: MediaClient,
  known: readonly LocalPart[],
  { done }: HlsRecords,
  signal: AbortSignal,
): Promise<boolean> {
  for (const { stem, part } of known) {
    const file = done.get(stem);
    if (file !== undefined && isSameAddress(part.file.url, file)) {
      return (
        ifRangeValidator(file.version) === null ||
        (await isUnchanged(client, part.file.url, file, signal))
      );
    }
  }
  return true;
}

/** Whether the origin still has this version of the file. */
async function isUnchanged(
  client: MediaClient,
  url: string,
  file: DoneFile,
  signal: AbortSignal,
): Promise<boolean> {
  const ifRange = ifRangeValidator(file.version);
  if (ifRange === null || file.sizeBytes === 0) {
    return false;
  }
  const last = (file.range?.offset ?? 0) + file.sizeBytes - 1;
  try {
    const response = await client.open(url, { range: { start: last, end: last }, ifRange, signal });
    await response.close();
    return response.status === 206 && provesVersion(file.version, versionOf(response));
  } catch (error) {
    if (error instanceof AppError) {
      // Whatever it is, fetching the file meets it again and knows what to do.
      return false;
    }
    throw error;
  }
}

/** The query too. The playlist's fingerprint holds the rest of all addresses together. */
function isSameAddress(url: string, { range, version, addressHash }: Origin): boolean {
  return originOf(new URL(url), range, version).addressHash === addressHash;
}

async function sizeOf(path: string): Promise<number | null> {
  return await lstat(path).then(
    (facts) => (facts.isFile() ? facts.size : null),
    () => null,
  );
}
