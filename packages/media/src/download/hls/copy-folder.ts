import { mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { PLAYLIST_NAME } from "../../storage/copy-place.ts";
import { syncPath } from "../../storage/durable-files.ts";
import type { StagedCopy, StagedFile } from "../../storage/storage.ts";
import { stagedPath } from "../staging/seal.ts";
import { runLanes } from "../../concurrency/run-lanes.ts";

const SUMS_NAME = "SHA256SUMS";
/** A file system writes several files at once faster than one after the other. */
const SYNC_LANES = 8;

/** Where a copy of an HLS recording grows: whole files in `files`, others in `parts`. */
export interface CopyFolder {
  readonly path: string;
  partPath(stem: string): string;
  filePath(name: string): string;
  /** Makes the folders, and removes what is in them and not among these names. */
  prepare(keep: { files: ReadonlySet<string>; parts: ReadonlySet<string> }): Promise<void>;
  /** A part is whole. */
  complete(stem: string, name: string): Promise<void>;
  write(name: string, bytes: Uint8Array | string): Promise<StagedFile>;
}

/** The folder below a work folder. Touches no disk. */
export function copyFolderIn(workFolder: string): CopyFolder {
  const path = stagedPath(workFolder, "folder");
  const parts = join(workFolder, "parts");
  const partPath = (stem: string): string => join(parts, stem);
  const filePath = (name: string): string => join(path, name);
  return {
    path,
    partPath,
    filePath,
    async prepare(keep): Promise<void> {
      await removeOthers(path, keep.files);
      await removeOthers(parts, keep.parts);
    },
    complete: (stem, name) => rename(partPath(stem), filePath(name)),
    async write(name, content): Promise<StagedFile> {
      const bytes = Buffer.from(content);
      await writeFile(filePath(name), bytes);
      const sha256 = createHash("sha256").update(bytes).digest("hex");
      return { name, sizeBytes: bytes.length, sha256 };
    },
  };
}

/**
 * Ends a copy: the playlist is written behind all that it names, then SHA256SUMS, by which `sha256sum -c` checks every
 * other file; both are published last, the playlist at the very end. Everything is flushed.
 */
export async function sealCopyFolder(
  folder: CopyFolder,
  media: readonly StagedFile[],
  playlist: string,
  signal: AbortSignal,
): Promise<Extract<StagedCopy, { kind: "folder" }>> {
  const index = await folder.write(PLAYLIST_NAME, playlist);
  const sums = [...media, index].map(({ name, sha256 }) => `${sha256}  ${name}\n`).join("");
  const sumFile = await folder.write(SUMS_NAME, sums);
  const files = [...media, sumFile, index];
  await runLanes(files, SYNC_LANES, signal, ({ name }) => syncPath(folder.filePath(name)));
  await syncPath(folder.path);
  return {
    kind: "folder",
    path: folder.path,
    files,
    sizeBytes: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    sha256: sumFile.sha256,
  };
}

async function removeOthers(folder: string, keep: ReadonlySet<string>): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const name of await readdir(folder)) {
    if (!keep.has(name)) {
      await rm(join(folder, name), { recursive: true });
    }
  }
}
