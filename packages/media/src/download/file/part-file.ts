import { createHash, type Hash } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { hashPrefix } from "../../storage/hash-file.ts";

/** Writes of this size or more cost no speed any more; two such buffers are all that a download holds. */
const BUFFER_BYTES = 524_288;
/** A slow origin's bytes do not wait for a full buffer: what is not written is lost with the process. */
const MAX_WAIT_MS = 5;
/** Between two flushes to the disk: what a crash of the machine costs at most. */
const SYNC_EVERY_BYTES = 33_554_432;

export interface PartFileOptions {
  path: string;
  /** Bytes that are there and kept; what is behind them is cut off. */
  keptBytes: number;
  signal: AbortSignal;
  /** Called after each flush, one call at a time; the download goes on meanwhile. */
  onSynced: (syncedBytes: number) => Promise<void>;
}

/** The file that a download grows, with the hash of all that is in it. One caller at a time. */
export interface PartFile {
  /** Bytes taken so far, those on their way to the disk included. */
  readonly position: number;
  /** Takes a copy of the bytes. Slows the caller down to the pace of the disk. */
  append(bytes: Uint8Array): Promise<void>;
  /** Resolves when all that was taken is written. */
  settle(): Promise<void>;
  /** Begins again with an empty file. */
  restart(): Promise<void>;
  /** Flushes everything and returns the hash of the file in lower-case hexadecimal. */
  finish(): Promise<string>;
  close(): Promise<void>;
}

/**
 * Opens the file and reads what is kept of it, for the hash. Bytes are hashed and copied on the calling thread while the
 * write before is under way; flushes to the disk run beside it.
 */
export async function openPartFile(options: PartFileOptions): Promise<PartFile> {
  const { path, keptBytes, signal, onSynced } = options;
  const handle = await openForWriting(path);
  let hash: Hash = createHash("sha256");
  try {
    await handle.truncate(keptBytes);
    await hashPrefix(handle, keptBytes, hash, signal);
  } catch (error) {
    await handle.close();
    throw error;
  }

  let filling = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  let spare = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  let filled = 0;
  let writtenBytes = keptBytes;
  let syncedBytes = keptBytes;
  let lastWriteMs = performance.now();
  let writing: Promise<void> | null = null;
  let syncing: Promise<void> | null = null;
  let failure: { error: unknown } | null = null;

  function throwFailure(): void {
    if (failure !== null) {
      throw failure.error;
    }
  }

  async function write(bytes: Buffer, position: number): Promise<void> {
    try {
      for (let done = 0; done < bytes.length;) {
        const { bytesWritten } = await handle.write(
          bytes,
          done,
          bytes.length - done,
          position + done,
        );
        done += bytesWritten;
      }
      writtenBytes = position + bytes.length;
    } catch (error) {
      failure ??= { error };
    } finally {
      writing = null;
    }
  }

  async function sync(): Promise<void> {
    const upTo = writtenBytes;
    try {
      await handle.datasync();
      syncedBytes = upTo;
      await onSynced(upTo);
    } catch (error) {
      failure ??= { error };
    } finally {
      syncing = null;
    }
  }

  /** Only when no write is under way. */
  function startWrite(): void {
    const bytes = filling.subarray(0, filled);
    const position = part.position - filled;
    [filling, spare] = [spare, filling];
    filled = 0;
    lastWriteMs = performance.now();
    writing = write(bytes, position);
    hash.update(bytes);
    if (syncing === null && writtenBytes - syncedBytes >= SYNC_EVERY_BYTES) {
      syncing = sync();
    }
  }

  async function settle(): Promise<void> {
    await writing;
    if (filled > 0 && failure === null) {
      startWrite();
      await writing;
    }
    throwFailure();
  }

  const part = {
    position: keptBytes,
    settle,
    async append(bytes: Uint8Array): Promise<void> {
      for (let taken = 0; taken < bytes.length;) {
        const piece = bytes.subarray(taken, taken + BUFFER_BYTES - filled);
        filling.set(piece, filled);
        filled += piece.length;
        taken += piece.length;
        part.position += piece.length;
        if (filled === BUFFER_BYTES) {
          await writing;
          throwFailure();
          startWrite();
        }
      }
      if (filled > 0 && writing === null && performance.now() - lastWriteMs > MAX_WAIT_MS) {
        throwFailure();
        startWrite();
      }
    },
    async restart(): Promise<void> {
      await settle();
      await syncing;
      await handle.truncate(0);
      hash = createHash("sha256");
      part.position = 0;
      writtenBytes = 0;
      syncedBytes = 0;
    },
    async finish(): Promise<string> {
      await settle();
      await syncing;
      throwFailure();
      await handle.sync();
      return hash.digest("hex");
    },
    async close(): Promise<void> {
      await writing;
      await syncing;
      await handle.close();
    },
  };
  return part;
}

async function openForWriting(path: string): Promise<FileHandle> {
  // Reads too, and neither truncates nor demands that it exists. A symbolic link is not followed: what is cut and
  // written here is a file of the staging folder or none.
  return await open(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o666);
}
