import type { MediaClient, Prefix } from "../http/media-client.ts";
import type { MediaResponse } from "../http/media-response.ts";
import { BLOCK_BYTES, type BlockCache, createBlockCache } from "./block-cache.ts";
import { type ByteSource, MAX_READ_BYTES, type ReadHint } from "./byte-source.ts";
import { createFileBlocks, type FileBlocks } from "./file-blocks.ts";
import { createOriginReads, type OriginReads } from "./origin-reads.ts";
import { streamFile } from "./stream-file.ts";

/** What the first request asks for, and what is fetched at once where a reader names no other amount. */
const FIRST_READ_BYTES = 65_536;

export interface OpenFileOptions {
  /** All bytes that may be fetched, repeated ones too. */
  maxFetchedBytes: number;
  signal: AbortSignal;
}

/** A file whose first bytes have been read. Must be disposed: it may hold a connection. */
export interface OpenedFile extends AsyncDisposable {
  /** The first 64 KiB, or all of a shorter file. */
  readonly prefix: Prefix;
  /** The whole file. Throws AppError `media_bad_response` when its size cannot be learnt. */
  source(): Promise<ByteSource>;
}

/**
 * Opens a file behind a URL with one request for its first 64 KiB, which tells its size, its version and whether the
 * origin takes ranges.
 *
 * Tolerated: an origin that ignores ranges (the file is then read forwards, within the budget), one that sends less
 * than was asked for, one whose connections break now and then. Not tolerated: an answer that contradicts its request,
 * or that belongs to another version of the file.
 *
 * @throws AppError as `MediaClient.open` does, `media_budget_exceeded`, `media_changed`.
 */
export async function openFile(
  client: MediaClient,
  url: URL,
  options: OpenFileOptions,
): Promise<OpenedFile> {
  const first = await openFirst(client, url, options.signal);
  const reads = createOriginReads({ ...options, client, url, first });
  const cache = createBlockCache();
  const blocks = createFileBlocks(reads, cache, first, options.signal);
  try {
    if (first.status !== 416) {
      await blocks.load(0, FIRST_READ_BYTES / BLOCK_BYTES - 1);
    }
  } catch (error) {
    await blocks.close();
    throw error;
  }
  const bytes = joinBlocks(cache, 0, FIRST_READ_BYTES);
  const { status, finalUrl, etag, lastModified } = first;
  const endsWithin = status === 200 && bytes.length < FIRST_READ_BYTES;
  const totalSizeBytes = first.totalSizeBytes ?? (endsWithin ? bytes.length : null);
  return {
    prefix: { status, finalUrl, totalSizeBytes, etag, lastModified, bytes },
    async source(): Promise<ByteSource> {
      const sizeBytes = totalSizeBytes ?? (await blocks.measure());
      return createSource(reads, cache, blocks, sizeBytes);
    },
    [Symbol.asyncDispose]: () => blocks.close(),
  };
}

async function openFirst(
  client: MediaClient,
  url: URL,
  signal: AbortSignal,
): Promise<MediaResponse> {
  const part = await client.open(url, { range: { start: 0, end: FIRST_READ_BYTES - 1 }, signal });
  if (part.status !== 416 || part.totalSizeBytes === 0) {
    return part;
  }
  // A 416 for a range that begins at 0 means an empty file, but only the file itself proves it.
  await part.close();
  return await client.open(url, { signal });
}

function createSource(
  reads: OriginReads,
  cache: BlockCache,
  blocks: FileBlocks,
  sizeBytes: number,
): ByteSource {
  /** Loads what is not there yet between two positions, each gap by itself. */
  async function ensure(start: number, end: number): Promise<void> {
    const lastBlock = Math.ceil(end / BLOCK_BYTES) - 1;
    for (let block = Math.floor(start / BLOCK_BYTES); block <= lastBlock; block += 1) {
      if (cache.get(block) !== undefined) {
        continue;
      }
      let gapEnd = block;
      while (gapEnd < lastBlock && cache.get(gapEnd + 1) === undefined) {
        gapEnd += 1;
      }
      await blocks.load(block, gapEnd);
      block = gapEnd;
    }
  }

  return {
    sizeBytes,
    get fetchedBytes(): number {
      return reads.fetchedBytes;
    },
    async read(offset, length, { fetchBytes = FIRST_READ_BYTES }: ReadHint = {}) {
      if (
        !Number.isSafeInteger(offset) ||
        offset < 0 ||
        !(length >= 0 && length <= MAX_READ_BYTES)
      ) {
        throw new RangeError(`a read of ${length} bytes at ${offset}`);
      }
      const end = Math.min(offset + length, sizeBytes);
      if (end <= offset) {
        return new Uint8Array();
      }
      if (!isCached(cache, offset, end)) {
        await ensure(offset, Math.min(Math.max(end, offset + fetchBytes), sizeBytes));
      }
      return joinBlocks(cache, offset, end);
    },
    stream: (offset) => streamFile(reads, cache, offset, sizeBytes),
  };
}

function isCached(cache: BlockCache, start: number, end: number): boolean {
  for (let block = Math.floor(start / BLOCK_BYTES); block * BLOCK_BYTES < end; block += 1) {
    if (cache.get(block) === undefined) {
      return false;
    }
  }
  return true;
}

/** The cached bytes from `start` on: up to `end`, or to the first block that is not there. */
function joinBlocks(cache: BlockCache, start: number, end: number): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let block = Math.floor(start / BLOCK_BYTES); block * BLOCK_BYTES < end; block += 1) {
    const bytes = cache.get(block);
    if (bytes === undefined) {
      break;
    }
    const blockStart = block * BLOCK_BYTES;
    parts.push(bytes.subarray(Math.max(start - blockStart, 0), end - blockStart));
  }
  const [only] = parts;
  return parts.length === 1 && only !== undefined ? only : new Uint8Array(Buffer.concat(parts));
}
