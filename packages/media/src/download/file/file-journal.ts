import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type FileVersion, parseFileVersion } from "../../http/file-version.ts";
import { replaceFile } from "../../storage/durable-files.ts";
import { isByteCount, isRecord, isTextOrNull } from "../../read-json.ts";

/** What is known about the bytes in the file `part` beside the journal. */
export interface FileJournal {
  /** Where they came from, without the query: a signature changes with every callback. */
  url: string;
  /** Of the whole address. */
  addressHash: string;
  /** The version that all of them belong to. */
  version: FileVersion;
  /** The boot of the machine that wrote them last. */
  bootId: string | null;
  /** So many are on the disk for certain; more of them are there unless the machine itself went down since. */
  syncedBytes: number;
}

const JOURNAL = "journal.json";

export async function writeJournal(folder: string, journal: FileJournal): Promise<void> {
  await replaceFile(join(folder, JOURNAL), JSON.stringify(journal));
}

/** Null when there is none that can be made sense of. */
export async function readJournal(folder: string): Promise<FileJournal | null> {
  const text = await readFile(join(folder, JOURNAL), "utf8").catch(() => "");
  try {
    return toJournal(JSON.parse(text));
  } catch {
    return null;
  }
}

function toJournal(value: unknown): FileJournal | null {
  if (!isRecord(value)) {
    return null;
  }
  const { url, addressHash, bootId, syncedBytes } = value;
  const version = parseFileVersion(value["version"]);
  return typeof url === "string" &&
    typeof addressHash === "string" &&
    version !== null &&
    isTextOrNull(bootId) &&
    isByteCount(syncedBytes)
    ? { url, addressHash, version, bootId, syncedBytes }
    : null;
}
