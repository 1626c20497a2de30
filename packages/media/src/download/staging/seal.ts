import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Container, CONTAINERS, type MediaReport } from "@reelgate/shared/contract/media";
import type { Declared } from "../../report/compare-declared.ts";
import { replaceFile, syncPath } from "../../storage/durable-files.ts";
import type { StagedCopy } from "../../storage/storage.ts";

/** A copy that is whole, flushed and verified: all that is left to do is to publish it. */
export interface SealedCopy {
  container: Container;
  copy: StagedCopy;
  report: MediaReport;
}

/** In the work folder: the copy is the file `part` or the folder `files`. */
export function stagedPath(folder: string, kind: StagedCopy["kind"]): string {
  return join(folder, kind === "file" ? "part" : "files");
}

const SEAL = "sealed.json";

/**
 * Notes that the copy in a work folder is ready, so that a storage that is full or away for hours, or a crash right
 * after publication, costs the origin nothing.
 */
export async function writeSeal(
  folder: string,
  declared: Declared,
  sealed: SealedCopy,
): Promise<void> {
  await replaceFile(join(folder, SEAL), JSON.stringify({ version: 1, declared, ...sealed }));
  await syncPath(folder);
}

/**
 * The copy that an owner before sealed; null when there is none, or when it was verified against other claims than
 * `declared`. The copy's own files may be missing: then they were published.
 */
export async function readSeal(folder: string, declared: Declared): Promise<SealedCopy | null> {
  const text = await readFile(join(folder, SEAL), "utf8").catch(() => "null");
  const seal = parse(text);
  if (
    seal?.version !== 1 ||
    !CONTAINERS.includes(seal.container) ||
    JSON.stringify(seal.declared) !== JSON.stringify(declared)
  ) {
    return null;
  }
  const { container, report, copy } = seal;
  // The work folder has a new name with every owner.
  return { container, report, copy: { ...copy, path: stagedPath(folder, copy.kind) } };
}

/** Only this program writes the file, as a whole or not at all; what else stands there counts as none. */
function parse(text: string): (SealedCopy & { version: unknown; declared: Declared }) | null {
  try {
    return JSON.parse(text) as (SealedCopy & { version: unknown; declared: Declared }) | null;
  } catch {
    return null;
  }
}
