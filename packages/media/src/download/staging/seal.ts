import { lstat, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import {
  type Container,
  CONTAINERS,
  findingSchema,
  type MediaReport,
  mediaSchema,
} from "@reelgate/shared/contract/media";
import type { Declared } from "../../report/compare-declared.ts";
import { replaceFile, syncPath } from "../../storage/durable-files.ts";
import type { StagedCopy, StagedFile } from "../../storage/storage.ts";
import { addressHash, journalUrl } from "../address.ts";
import { isByteCount, isRecord, isSha256 } from "../../read-json.ts";

/** A copy that is whole, flushed and verified: all that is left to do is to publish it. */
export interface SealedCopy {
  container: Container;
  copy: StagedCopy;
  report: MediaReport;
}

/**
 * What a copy was made for. Another query may be another signature or another file, and nobody asks the origin before a
 * sealed copy is published: so the whole address must be the same.
 */
export interface SealedFor {
  url: URL;
  declared: Declared;
}

/** In the work folder: the copy is the file `part` or the folder `files`. */
export function stagedPath(folder: string, kind: StagedCopy["kind"]): string {
  return join(folder, kind === "file" ? "part" : "files");
}

const SEAL = "sealed.json";
const SEAL_VERSION = 2;

/**
 * Notes that the copy in a work folder is ready, so that a storage that is full or away for hours, or a crash right
 * after publication, costs the origin nothing.
 */
export async function writeSeal(
  folder: string,
  purpose: SealedFor,
  sealed: SealedCopy,
): Promise<void> {
  const seal = { version: SEAL_VERSION, ...identityOf(purpose), ...sealed };
  await replaceFile(join(folder, SEAL), JSON.stringify(seal));
  await syncPath(folder);
}

/**
 * The copy that an owner before sealed; null when there is none, or when it was made from another address or verified
 * against other claims. The copy's own files may be missing: then they were published. What stands there in place of
 * them, a symbolic link or a file of another size, is no copy.
 */
export async function readSeal(folder: string, purpose: SealedFor): Promise<SealedCopy | null> {
  const sealed = parseSeal(await readFile(join(folder, SEAL), "utf8").catch(() => ""), purpose);
  if (sealed === null) {
    return null;
  }
  // The work folder has a new name with every owner.
  const copy = { ...sealed.copy, path: stagedPath(folder, sealed.copy.kind) };
  const facts = await lstat(copy.path).catch(() => null);
  const isCopy =
    copy.kind === "file"
      ? facts?.isFile() === true && facts.size === copy.sizeBytes
      : facts?.isDirectory() === true;
  return facts === null || isCopy ? { ...sealed, copy } : null;
}

/** What was sealed is about to change: the seal of a copy must never stand beside other bytes. */
export async function breakSeal(folder: string): Promise<void> {
  await rm(join(folder, SEAL), { force: true });
  await syncPath(folder);
}

function identityOf({ url, declared }: SealedFor): Record<string, string> {
  return {
    url: journalUrl(url),
    addressHash: addressHash(url),
    declared: JSON.stringify([declared.format, declared.sizeBytes, declared.durationS]),
  };
}

/** Null for what this program did not write, and for what it wrote for another purpose. */
function parseSeal(text: string, purpose: SealedFor): SealedCopy | null {
  let seal: unknown;
  try {
    seal = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isRecord(seal) || seal["version"] !== SEAL_VERSION) {
    return null;
  }
  for (const [name, value] of Object.entries(identityOf(purpose))) {
    if (seal[name] !== value) {
      return null;
    }
  }
  const container = CONTAINERS.find((known) => known === seal["container"]);
  const copy = parseCopy(seal["copy"]);
  const report = parseReport(seal["report"]);
  return container === undefined || copy === null || report === null
    ? null
    : { container, copy, report };
}

function parseCopy(copy: unknown): StagedCopy | null {
  if (!isRecord(copy) || !isByteCount(copy["sizeBytes"]) || !isSha256(copy["sha256"])) {
    return null;
  }
  const { kind, sizeBytes, sha256, files } = copy;
  if (kind === "file") {
    return { kind, path: "", sizeBytes, sha256 };
  }
  return kind === "folder" && Array.isArray(files) && files.every(isStagedFile)
    ? { kind, path: "", files, sizeBytes, sha256 }
    : null;
}

/** Copies have no folders in them. */
const FILE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

function isStagedFile(file: unknown): file is StagedFile {
  return (
    isRecord(file) &&
    typeof file["name"] === "string" &&
    FILE_NAME.test(file["name"]) &&
    isByteCount(file["sizeBytes"]) &&
    isSha256(file["sha256"])
  );
}

function parseReport(report: unknown): MediaReport | null {
  if (!isRecord(report)) {
    return null;
  }
  const media = mediaSchema.safeParse(report["media"]);
  const findings = findingSchema.array().safeParse(report["findings"]);
  return media.success && findings.success ? { media: media.data, findings: findings.data } : null;
}
