import { createHash } from "node:crypto";
import { readFile, readdir } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { errorMessage } from "@reelgate/shared/errors";
import type { Recording } from "@reelgate/shared/contract/recording";
import type { OriginFile } from "@reelgate/simulator/origin";
import type { Violation } from "./checks.ts";

const STAGING = ".reelgate-staging";
const SUMS = "SHA256SUMS";
const PLAYLIST = "index.m3u8";

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

type OriginFiles = ReadonlyMap<string, OriginFile>;

/**
 * Guarantee G4: whatever has a final name belongs to a recording that says so, is whole, and has the bytes that the
 * origin serves. What lies in staging has no final name.
 */
export async function checkStoredFiles(
  storageDir: string,
  recordings: readonly Recording[],
  originFiles: OriginFiles,
): Promise<Violation[]> {
  const violations: Violation[] = [];
  const known = new Set<string>();
  for (const recording of recordings) {
    const { stored } = recording;
    if (stored === null) continue;
    const path = fileURLToPath(stored.url);
    const problems = await (
      basename(path) === PLAYLIST
        ? problemsOfFolder(path, recording, originFiles, known)
        : problemsOfFile(path, recording, originFiles, known)
    ).catch((error: unknown) => [`cannot be read: ${errorMessage(error)}`]);
    for (const problem of problems) {
      violations.push({
        check: "files",
        id: `recording ${recording.id}`,
        detail: `${relative(storageDir, path)} ${problem}`,
      });
    }
  }
  for (const path of await filesIn(storageDir)) {
    if (known.has(path)) continue;
    const name = relative(storageDir, path);
    violations.push({ check: "files", id: name, detail: "no recording has this file" });
  }
  return violations;
}

/** Where the origin has the file, and nothing else that the URL says. */
const originPath = ({ videoUrl }: Recording): string => new URL(videoUrl).pathname;

async function problemsOfFile(
  path: string,
  recording: Recording,
  originFiles: OriginFiles,
  known: Set<string>,
): Promise<string[]> {
  known.add(path);
  const bytes = await readFile(path);
  const served = originFiles.get(originPath(recording));
  if (served === undefined) return ["is of a file that the origin does not have"];
  const problems: string[] = [];
  if (served.truncatedTo !== null) problems.push("is of a file that is cut off");
  if (sha256(bytes) !== sha256(served.sample.bytes)) {
    problems.push(`has ${bytes.length} bytes that are not those of the origin's file`);
  }
  if (sha256(bytes) !== recording.stored?.sha256) problems.push("has not the sha256 of its row");
  return problems;
}

async function problemsOfFolder(
  playlistPath: string,
  recording: Recording,
  originFiles: OriginFiles,
  known: Set<string>,
): Promise<string[]> {
  const folder = dirname(playlistPath);
  for (const name of await readdir(folder)) known.add(join(folder, name));
  const problems: string[] = [];
  const sums = await readFile(join(folder, SUMS));
  if (sha256(sums) !== recording.stored?.sha256) problems.push("has not the sha256 of its row");
  for (const [, sum = "", name = ""] of sums
    .toString("utf8")
    .matchAll(/^([0-9a-f]{64}) [ *](.+)$/gmu)) {
    if (sha256(await readFile(join(folder, name))) !== sum) problems.push(`differs in ${name}`);
  }
  const playlist = await readFile(playlistPath, "utf8");
  if (!playlist.includes("#EXT-X-ENDLIST")) problems.push("has no end");
  const names = segmentsOf(playlist);
  const base = dirname(originPath(recording));
  const served = originFiles.get(originPath(recording));
  const servedNames = served === undefined ? [] : segmentsOf(served.sample.bytes.toString("utf8"));
  if (names.length !== servedNames.length) {
    problems.push(`has ${names.length} of ${servedNames.length} segments`);
  }
  for (const [index, name] of names.entries()) {
    const original = originFiles.get(`${base}/${servedNames[index]}`);
    const bytes = await readFile(join(folder, name));
    if (original === undefined || !bytes.equals(original.sample.bytes)) {
      problems.push(`has another ${name} than the origin`);
    }
  }
  return problems;
}

function segmentsOf(playlist: string): string[] {
  return playlist.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
}

/** All files with a final name. Staging is not even looked into: it may change at any time. */
async function filesIn(folder: string): Promise<string[]> {
  const files: string[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (!entry.isDirectory()) files.push(path);
    else if (entry.name !== STAGING) files.push(...(await filesIn(path)));
  }
  return files;
}
