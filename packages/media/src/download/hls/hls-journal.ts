import { open, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { startTurns } from "../../concurrency/event-loop-turns.ts";
import { type FileVersion, parseFileVersion } from "../../http/file-version.ts";
import { isByteCount, isRecord, isSha256, isTextOrNull } from "../../read-json.ts";
import { replaceFile } from "../../storage/durable-files.ts";
import { addressHash, journalUrl } from "../address.ts";
import { currentBootId } from "../staging/process-identity.ts";
import type { Staging } from "../staging/open-staging.ts";

/*
 * What a run leaves for the next one: lines of JSON, each written whole by one call, so that a killed process leaves at
 * most one line that is cut and counts for nothing.
 *
 *   playlist  First line: which playlist all others belong to.
 *   begun     The file in `parts/` under this stem holds bytes of this version.
 *   done      The file in `files/` is whole and sound, or is about to be renamed there from `parts/`.
 *
 * A line is no proof that its bytes reached the disk. What is done is hashed again by the next run, and what is begun
 * only counts within the boot in which it was written: nothing is flushed while fetching.
 */

/** Where bytes came from. Addresses are kept without their query, which may hold a secret. */
export interface Origin {
  url: string;
  /** Hash of the whole address: a playlist that is served again may be signed anew. */
  addressHash: string;
  range: { offset: number; length: number } | null;
  version: FileVersion;
}

export interface DoneFile extends Origin {
  name: string;
  sizeBytes: number;
  sha256: string;
}

type Line =
  | { kind: "playlist"; fingerprint: string; bootId: string | null }
  | { kind: "begun"; stem: string; origin: Origin }
  | { kind: "done"; stem: string; file: DoneFile };

/** What an earlier run left. */
export interface HlsRecords {
  done: ReadonlyMap<string, DoneFile>;
  /** Empty when another owner may still be at it, or the machine was restarted. */
  begun: ReadonlyMap<string, Origin>;
}

export interface HlsJournal extends AsyncDisposable {
  begin(stem: string, origin: Origin): Promise<void>;
  finish(stem: string, file: DoneFile): Promise<void>;
}

const JOURNAL = "segments.jsonl";
const SAFE_STEM = /^[a-z0-9-]{1,20}$/;
const SAFE_NAME = /^[a-z0-9-]{1,20}\.[a-z0-9]{1,5}$/;

export function originOf(
  url: URL,
  range: { offset: number; length: number } | null,
  version: FileVersion,
): Origin {
  return { url: journalUrl(url), addressHash: addressHash(url), range, version };
}

/** Nothing when there is no journal, or one of another playlist. */
export async function readHlsRecords(
  staging: Staging,
  fingerprint: string,
  signal: AbortSignal,
): Promise<HlsRecords> {
  const text = await readFile(join(staging.folder, JOURNAL), "utf8").catch(() => "");
  const lines = text.split("\n");
  const first = parseLine(lines.shift() ?? "");
  if (first?.kind !== "playlist" || first.fingerprint !== fingerprint) {
    return { done: new Map(), begun: new Map() };
  }
  const bootId = await currentBootId();
  const partsCount = bootId !== null && first.bootId === bootId && !staging.isContested;
  const done = new Map<string, DoneFile>();
  const begun = new Map<string, Origin>();
  const turns = startTurns(signal);
  for (const lineText of lines) {
    if (turns.isOver()) {
      await turns.next();
    }
    const line = parseLine(lineText);
    if (line?.kind === "done") {
      done.set(line.stem, line.file);
    } else if (line?.kind === "begun" && partsCount) {
      begun.set(line.stem, line.origin);
    }
  }
  return { done, begun };
}

/** A look costs four turns of the disk, two of them for each segment; a claim is not lost but after a minute. */
const ASSERT_EVERY_MS = 1_000;

/** Begins a new journal with what is still good of an old one. Whoever has that open writes to it in vain. */
export async function startHlsJournal(
  staging: Staging,
  fingerprint: string,
  records: HlsRecords,
  signal: AbortSignal,
): Promise<HlsJournal> {
  const turns = startTurns(signal);
  const texts = [toText({ kind: "playlist", fingerprint, bootId: await currentBootId() })];
  for (const line of linesOf(records)) {
    if (turns.isOver()) {
      await turns.next();
    }
    texts.push(toText(line));
  }
  const path = join(staging.folder, JOURNAL);
  await replaceFile(path, texts.join(""));
  const handle = await open(path, "a");
  let assertedMs = -Infinity;

  async function append(line: Line): Promise<void> {
    if (performance.now() - assertedMs > ASSERT_EVERY_MS) {
      await staging.assertOwned();
      assertedMs = performance.now();
    }
    await handle.write(toText(line));
  }

  return {
    begin: (stem, origin) => append({ kind: "begun", stem, origin }),
    finish: (stem, file) => append({ kind: "done", stem, file }),
    [Symbol.asyncDispose]: () => handle.close(),
  };
}

function* linesOf({ done, begun }: HlsRecords): Generator<Line, void, undefined> {
  for (const [stem, origin] of begun) {
    yield { kind: "begun", stem, origin };
  }
  for (const [stem, file] of done) {
    yield { kind: "done", stem, file };
  }
}

/** Lets the next run begin with nothing. */
export async function forgetHlsRecords(staging: Staging): Promise<void> {
  await rm(join(staging.folder, JOURNAL), { force: true });
}

function toText(line: Line): string {
  return `${JSON.stringify(line)}\n`;
}

/** Null for what this program did not write as a whole: a crash may have cut it. */
function parseLine(text: string): Line | null {
  let line: unknown;
  try {
    line = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isRecord(line)) {
    return null;
  }
  const { kind, stem, fingerprint, bootId } = line;
  if (kind === "playlist") {
    return typeof fingerprint === "string" && isTextOrNull(bootId)
      ? { kind, fingerprint, bootId }
      : null;
  }
  if (typeof stem !== "string" || !SAFE_STEM.test(stem)) {
    return null;
  }
  const origin = parseOrigin(kind === "done" ? line["file"] : line["origin"]);
  if (kind === "begun") {
    return origin === null ? null : { kind, stem, origin };
  }
  const file = origin === null ? null : parseDone(line["file"], origin);
  return kind !== "done" || file === null ? null : { kind, stem, file };
}

function parseOrigin(value: unknown): Origin | null {
  if (!isRecord(value)) {
    return null;
  }
  const { url, addressHash: hash, range } = value;
  const version = parseFileVersion(value["version"]);
  const parsedRange = parseRange(range);
  return typeof url === "string" &&
    typeof hash === "string" &&
    version !== null &&
    parsedRange !== undefined
    ? { url, addressHash: hash, range: parsedRange, version }
    : null;
}

function parseRange(range: unknown): Origin["range"] | undefined {
  if (range === null) {
    return null;
  }
  return isRecord(range) && isByteCount(range["offset"]) && isByteCount(range["length"])
    ? { offset: range["offset"], length: range["length"] }
    : undefined;
}

function parseDone(value: unknown, origin: Origin): DoneFile | null {
  if (!isRecord(value)) {
    return null;
  }
  const { name, sizeBytes, sha256 } = value;
  return typeof name === "string" &&
    SAFE_NAME.test(name) &&
    isByteCount(sizeBytes) &&
    isSha256(sha256)
    ? { ...origin, name, sizeBytes, sha256 }
    : null;
}
