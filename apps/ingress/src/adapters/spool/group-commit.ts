import type { FileHandle } from "node:fs/promises";

export type SyncedFile = Pick<FileHandle, "write" | "datasync">;

/** Records of one flush together. Longer ones would make those at their end wait for a write that need not be theirs. */
const MAX_FLUSH_BYTES = 4 * 1024 * 1024;

interface Waiting {
  record: Buffer;
  resolve: () => void;
  reject: (error: unknown) => void;
}

/**
 * Appends records to one file, and resolves each when it is on disk. Those that come while a flush is under way share
 * the next one: the disk is asked once for all of them.
 *
 * After a failure nothing more is written to the file. What a failed `fdatasync` has left is unknown, and Linux reports
 * it once: a second one that succeeds says nothing of the bytes of the first (https://lwn.net/Articles/752063/).
 */
export class GroupCommit {
  readonly #file: SyncedFile;
  #waiting: Waiting[] = [];
  #flushing: Promise<void> | null = null;
  #failure: Error | null = null;

  constructor(file: SyncedFile) {
    this.#file = file;
  }

  get hasFailed(): boolean {
    return this.#failure !== null;
  }

  /** @throws what the disk said; then the file has taken its last record. */
  append(record: Buffer): Promise<void> {
    if (this.#failure !== null) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ record, resolve, reject });
      this.#flushing ??= this.#flushAll();
    });
  }

  /** When everything that was appended has its end. */
  async settled(): Promise<void> {
    await this.#flushing;
  }

  async #flushAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#takeBatch();
      try {
        if (this.#failure !== null) throw this.#failure;
        await this.#write(Buffer.concat(batch.map(({ record }) => record)));
        await this.#file.datasync();
        for (const { resolve } of batch) resolve();
      } catch (error) {
        this.#failure = asError(error);
        for (const { reject } of batch) reject(error);
      }
    }
    this.#flushing = null;
  }

  #takeBatch(): Waiting[] {
    let sizeBytes = 0;
    const fits = this.#waiting.findIndex(({ record }, index) => {
      sizeBytes += record.length;
      return index > 0 && sizeBytes > MAX_FLUSH_BYTES;
    });
    return this.#waiting.splice(0, fits === -1 ? this.#waiting.length : fits);
  }

  /** `write` may take less than it is given, on a disk that is nearly full. */
  async #write(bytes: Buffer): Promise<void> {
    let written = 0;
    while (written < bytes.length) {
      const { bytesWritten } = await this.#file.write(bytes, written);
      if (bytesWritten === 0) throw new Error("the disk took nothing of a write");
      written += bytesWritten;
    }
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
