import { open, readFile, readdir, rename, stat, unlink } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { join } from "node:path";
import type { CallbackJob } from "@reelgate/shared/contract/jobs";
import { errorMessage } from "@reelgate/shared/errors";
import { withinMs } from "@reelgate/shared/lifecycle";
import type { EnqueueResult, Spool, SpoolBatch, SpoolDepth } from "../../ingest/ports.ts";
import { lockFolder } from "./folder-lock.ts";
import { GroupCommit } from "./group-commit.ts";
import { decodeSegment, encodeRecord } from "./record.ts";

/** A segment goes to Redis, and is removed, as a whole: after a crash at most so much is sent a second time. */
const SEGMENT_BYTES = 8 * 1024 * 1024;
const SEGMENT_NAME = /^(\d{12})\.spool$/u;

/** A disk that does not answer must not hold an answer: the provider repeats what was answered 503. */
const APPEND_DEADLINE_MS = 5000;

/** A disk that failed is asked again with the next callback after this: each time costs a segment of its own. */
const DISK_REST_MS = 1000;

export interface FileSpoolOptions {
  folder: string;
  /** Beyond it nothing more is taken. */
  maxBytes: number;
  events: SpoolEvents;
}

/** What an operator must hear of. */
export interface SpoolEvents {
  /** Bytes behind the last whole record: a write that a crash cut off, and that nobody was answered 200 for. */
  tornTail(segment: string, bytes: number): void;
  /** Bytes that went bad in front of a whole record: acknowledged callbacks may have been in them. Kept beside. */
  damaged(segment: string, bytes: number): void;
}

interface Segment {
  path: string;
  number: number;
  sizeBytes: number;
  callbacks: number;
  /** Unix time in milliseconds of its first record. */
  oldestAtMs: number;
}

interface Active extends Segment {
  file: FileHandle;
  commit: GroupCommit;
}

/**
 * Callbacks on this machine's own disk while Redis is away (guarantee G1).
 *
 * A folder of segments, numbered in the order in which they were begun. One is being written; a process never writes to
 * the segment of another, or of its own past, so a tail that a crash tore stays a tail. Segments are read from the
 * lowest number, and removed when all of their callbacks are in Redis. Whoever is killed in between sends them a second
 * time, which the id of their jobs makes harmless.
 */
export class FileSpool implements Spool, AsyncDisposable {
  readonly #options: FileSpoolOptions;
  readonly #lock: Disposable;
  readonly #segments: Segment[];
  #active: Active | null = null;
  #opening: Promise<void> | null = null;
  #nextNumber: number;
  #bytes: number;
  #isFull = false;
  #failedAtMs = -Infinity;

  /** @returns null when another process has this folder. */
  static async open(options: FileSpoolOptions): Promise<FileSpool | null> {
    const lock = lockFolder(options.folder);
    if (lock === null) return null;
    try {
      return new FileSpool(options, lock, await readSegments(options.folder));
    } catch (error) {
      lock[Symbol.dispose]();
      throw error;
    }
  }

  private constructor(options: FileSpoolOptions, lock: Disposable, segments: Segment[]) {
    this.#options = options;
    this.#lock = lock;
    this.#segments = segments;
    this.#nextNumber = (segments.at(-1)?.number ?? 0) + 1;
    this.#bytes = segments.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  }

  get depth(): SpoolDepth {
    const all = [...this.#segments, ...(this.#active === null ? [] : [this.#active])];
    const filled = all.filter(({ callbacks }) => callbacks > 0);
    return {
      callbacks: filled.reduce((sum, { callbacks }) => sum + callbacks, 0),
      bytes: this.#bytes,
      oldestAtMs: filled[0]?.oldestAtMs ?? null,
      isFull: this.#isFull,
    };
  }

  async append(job: CallbackJob): Promise<EnqueueResult> {
    const appended = this.#append(encodeRecord(job), job.receivedAtMs).catch(
      (error: unknown): EnqueueResult => {
        this.#failedAtMs = performance.now();
        return { stored: false, reason: `the spool cannot be written: ${errorMessage(error)}` };
      },
    );
    if (await withinMs(appended, APPEND_DEADLINE_MS)) return await appended;
    return {
      stored: false,
      reason: `the spool's disk did not answer within ${APPEND_DEADLINE_MS} ms`,
    };
  }

  async #append(record: Buffer, receivedAtMs: number): Promise<EnqueueResult> {
    for (;;) {
      if (this.#bytes + record.length > this.#options.maxBytes) {
        this.#isFull = true;
        return { stored: false, reason: "the spool is full (SPOOL_MAX_BYTES)" };
      }
      const segment = this.#active;
      if (segment !== null && !segment.commit.hasFailed && segment.sizeBytes < SEGMENT_BYTES) {
        // Nothing may wait between the look at the segment and the append: it could be closed meanwhile.
        segment.sizeBytes += record.length;
        this.#bytes += record.length;
        await segment.commit.append(record);
        if (segment.callbacks === 0) segment.oldestAtMs = receivedAtMs;
        segment.callbacks += 1;
        return { stored: true };
      }
      if (performance.now() - this.#failedAtMs < DISK_REST_MS) {
        return { stored: false, reason: "the spool's disk has just failed" };
      }
      // Several callbacks may find that a segment is wanted; one of them makes it.
      this.#opening ??= this.#rotate().finally(() => {
        this.#opening = null;
      });
      await this.#opening;
    }
  }

  async #rotate(): Promise<void> {
    await this.#retire();
    const number = this.#nextNumber++;
    const path = join(this.#options.folder, `${String(number).padStart(12, "0")}.spool`);
    const file = await open(path, "wx", 0o600);
    try {
      // The name is as durable as the records: a segment that is not in its folder after a crash holds nothing.
      await syncFolder(this.#options.folder);
    } catch (error) {
      await file.close();
      throw error;
    }
    const active = {
      path,
      number,
      sizeBytes: 0,
      callbacks: 0,
      oldestAtMs: 0,
      file,
      commit: new GroupCommit(file),
    };
    this.#active = active;
  }

  /** The segment that is being written becomes one of those to read. */
  async #retire(): Promise<void> {
    const active = this.#active;
    if (active === null) return;
    this.#active = null;
    await active.commit.settled();
    await active.file.close();
    this.#segments.push(active);
    this.#segments.sort((a, b) => a.number - b.number);
  }

  async oldest(): Promise<SpoolBatch | null> {
    if (this.#segments.length === 0) {
      // One at a time: a segment that is about to be made retires the one before it as well.
      if (this.#opening === null) await this.#retire();
      else await this.#opening;
    }
    const segment = this.#segments[0];
    if (segment === undefined) return null;
    const bytes = await readFile(segment.path);
    const { callbacks, damagedBytes, tornBytes } = decodeSegment(bytes);
    return {
      callbacks,
      done: async () => {
        if (tornBytes > 0) this.#options.events.tornTail(segment.path, tornBytes);
        if (damagedBytes > 0) {
          await rename(segment.path, `${segment.path}.damaged`);
          this.#options.events.damaged(`${segment.path}.damaged`, damagedBytes);
        } else {
          await unlink(segment.path);
        }
        this.#segments.splice(this.#segments.indexOf(segment), 1);
        // Counted by what was reserved and not by what is there: a record that the disk refused is no longer held.
        this.#bytes -= segment.sizeBytes;
        this.#isFull = false;
        await syncFolder(this.#options.folder);
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#opening?.catch(() => {});
    await this.#retire();
    this.#lock[Symbol.dispose]();
  }
}

async function readSegments(folder: string): Promise<Segment[]> {
  const names = (await readdir(folder)).filter((name) => SEGMENT_NAME.test(name)).toSorted();
  const segments: Segment[] = [];
  for (const name of names) {
    const path = join(folder, name);
    const { callbacks } = decodeSegment(await readFile(path));
    segments.push({
      path,
      number: Number(SEGMENT_NAME.exec(name)?.[1]),
      sizeBytes: (await stat(path)).size,
      callbacks: callbacks.length,
      oldestAtMs: callbacks[0]?.job.receivedAtMs ?? 0,
    });
  }
  return segments;
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
