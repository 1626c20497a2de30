import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { join, normalize } from "node:path";

/** A file of the origin. Its bytes are read as they are sent, so its size does not matter. */
export interface OriginContent {
  sizeBytes: number;
  /** Without quotes; another one for other bytes. */
  etag: string;
  lastModified: Date;
  /** From `start` up to and without `end`. */
  read(start: number, end: number): AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

/** Bytes at a place of a sparse file. */
export interface SparsePart {
  offset: number;
  bytes: Uint8Array;
}

const DISK_PIECE_BYTES = 262_144;
const ZEROS: Uint8Array = new Uint8Array(262_144);
const VERSION_MS = 60_000;

/** @param version How often the file was replaced: moves Last-Modified, which counts whole seconds. */
export function memoryContent(bytes: Uint8Array, version: number): OriginContent {
  return {
    sizeBytes: bytes.length,
    etag: tagOf(bytes),
    lastModified: new Date(version * VERSION_MS),
    read: (start, end) => [bytes.subarray(start, end)],
  };
}

/** Zeros but for `parts`, which must not overlap. */
export function sparseContent(
  sizeBytes: number,
  parts: readonly SparsePart[],
  version: number,
): OriginContent {
  const sorted = parts.toSorted((a, b) => a.offset - b.offset);
  return {
    sizeBytes,
    etag: tagOf(`${sizeBytes} ${sorted.map(({ offset, bytes }) => offset + tagOf(bytes)).join()}`),
    lastModified: new Date(version * VERSION_MS),
    read: (start, end) => readSparse(sorted, start, end),
  };
}

function* readSparse(
  sorted: readonly SparsePart[],
  start: number,
  end: number,
): Generator<Uint8Array> {
  let at = start;
  for (const { offset, bytes } of sorted) {
    yield* zeros(at, Math.min(offset, end));
    at = Math.max(at, Math.min(offset, end));
    if (at < Math.min(offset + bytes.length, end)) {
      yield bytes.subarray(at - offset, end - offset);
      at = Math.min(offset + bytes.length, end);
    }
  }
  yield* zeros(at, end);
}

function* zeros(start: number, end: number): Generator<Uint8Array> {
  for (let at = start; at < end; at += ZEROS.length) {
    yield ZEROS.subarray(0, end - at);
  }
}

/** A file of a folder, or null. The tag is made of size and time: large files are not read for it. */
export async function diskContent(root: string, path: string): Promise<OriginContent | null> {
  // The origin serves test machines, but a path must not leave the folder there either.
  const file = join(root, normalize(`/${path}`));
  const facts = await stat(file).catch(() => null);
  if (facts?.isFile() !== true) {
    return null;
  }
  return {
    sizeBytes: facts.size,
    etag: tagOf(`${facts.ino} ${facts.size} ${facts.mtimeMs}`),
    lastModified: facts.mtime,
    read: (start, end) =>
      start >= end
        ? []
        : createReadStream(file, { start, end: end - 1, highWaterMark: DISK_PIECE_BYTES }),
  };
}

/** The first bytes of a file, as a file of its own. */
export function truncatedContent(content: OriginContent, atByte: number): OriginContent {
  return {
    ...content,
    sizeBytes: Math.min(content.sizeBytes, atByte),
    etag: tagOf(`${content.etag} until ${atByte}`),
  };
}

function tagOf(content: Uint8Array | string): string {
  return createHash("sha256").update(content).digest("hex").slice(0, 32);
}
