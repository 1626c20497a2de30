import { open, readFile, readdir, rename, unlink } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { join } from "node:path";
import type { CallbackJob } from "@reelgate/shared/contract/jobs";
import { errorMessage } from "@reelgate/shared/errors";
import { withinMs } from "@reelgate/shared/lifecycle";
import type { EnqueueResult, Spool, SpoolBatch, SpoolDepth } from "../../ingest/ports.ts";
import { lockFolder } from "./folder-lock.ts";
import { GroupCommit } from "./group-commit.ts";
import { decodeSegment, encodeRecord } from "./record.ts";
import type { DecodedSegment } from "./record.ts";

/** A segment goes to Redis, and is removed, as a whole: after a crash at most so much is sent a second time. */
const SEGMENT_BYTES = 8 * 1024 * 1024;
const SEGMENT_NAME = /^\d{12}\.spool$/u;

/** A disk that does not answer must not hold an answer: the provider repeats what was answered 503. */
const APPEND_DEADLINE_MS = 5000;

/** A disk that failed is asked again with the next callback after this: each time costs a segment of its own. */
const DISK_REST_MS = 1000;

/** For so long a failure speaks against sending callbacks here; then one of them finds out. */
const FAILURE_COUNTS_MS = 15_000;

export interface FileSpoolOptions {
  folder: string;
  /** Beyond it nothing more is taken. */
  maxBytes: number;
  events: SpoolEvents;
  /** For tests; {@link APPEND_DEADLINE_MS} otherwise. */
  appendDeadlineMs?: number;
}

/** What an operator must hear of. In each case the file is kept, under the name that is given. */
export interface SpoolEvents {
  /** What a crash left of a write that nobody was answered 200 for, in the segment of a process that is gone. */
  tornTail(keptAs: string, bytes: number): void;
  /** Acknowledged callbacks may be lost: bytes that are no record, or fewer callbacks than were acknowledged. */
  damaged(keptAs: string, bytes: number): void;
}

interface Segment {
  path: string;
  number: number;
  /** Of the records that are in it. */
  sizeBytes: number;
  /** How many there are: those that were acknowledged, or that were found when the folder was opened. */
  callbacks: number;
  /** Unix time in milliseconds of its first record. */
  oldestAtMs: number;
  /** Written by a process that is gone: what was acknowledged of it is not known. */
  isFound: boolean;
  /** All of it is in the queue; it only has to be removed. */
  isSent: boolean;
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
  #retiring: Active | null = null;
  #opening: Promise<void> | null = null;
  #nextNumber: number;
  #bytes: number;
  #isFull = false;
  #failedAtMs = -Infinity;
  /** Appends that were given up and have not ended. */
  #stuck = 0;

  /** @returns null when another process has this folder. */
  static async open(options: FileSpoolOptions): Promise<FileSpool | null> {
    const lock = lockFolder(options.folder);
    if (lock === null) return null;
    try {
      const { segments, nextNumber } = await readSegments(options.folder);
      return new FileSpool(options, lock, segments, nextNumber);
    } catch (error) {
      lock[Symbol.dispose]();
      throw error;
    }
  }

  private constructor(
    options: FileSpoolOptions,
    lock: Disposable,
    segments: Segment[],
    nextNumber: number,
  ) {
    this.#options = options;
    this.#lock = lock;
    this.#segments = segments;
    this.#nextNumber = nextNumber;
    this.#bytes = segments.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  }

  get depth(): SpoolDepth {
    const all = [this.#segments, this.#retiring ?? [], this.#active ?? []].flat();
    const filled = all.filter(({ callbacks, isSent }) => callbacks > 0 && !isSent);
    return {
      callbacks: filled.reduce((sum, { callbacks }) => sum + callbacks, 0),
      bytes: this.#bytes,
      oldestAtMs: filled[0]?.oldestAtMs ?? null,
      isFull: this.#isFull,
      isFailing: this.#stuck > 0 || performance.now() - this.#failedAtMs < FAILURE_COUNTS_MS,
    };
  }

  async append(job: CallbackJob): Promise<EnqueueResult> {
    // What waits for a disk that does not answer is held in memory: no more of it.
    if (this.#stuck > 0) return { stored: false, reason: "the spool's disk does not answer" };
    const appended = this.#append(encodeRecord(job), job.receivedAtMs).then(
      (result) => {
        if (result.stored) this.#failedAtMs = -Infinity;
        return result;
      },
      (error: unknown): EnqueueResult => {
        this.#failedAtMs = performance.now();
        return { stored: false, reason: `the spool cannot be written: ${errorMessage(error)}` };
      },
    );
    if (await withinMs(appended, this.#options.appendDeadlineMs ?? APPEND_DEADLINE_MS)) {
      return await appended;
    }
    this.#stuck += 1;
    void appended.finally(() => {
      this.#stuck -= 1;
    });
    return { stored: false, reason: "the spool's disk did not answer in time" };
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
        await this.#appendTo(segment, record);
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

  async #appendTo(segment: Active, record: Buffer): Promise<void> {
    segment.sizeBytes += record.length;
    this.#bytes += record.length;
    try {
      await segment.commit.append(record);
    } catch (error) {
      segment.sizeBytes -= record.length;
      this.#bytes -= record.length;
      throw error;
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
      isFound: false,
      isSent: false,
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
    this.#retiring = active;
    try {
      await active.commit.settled();
      // What a failed flush left is nobody's, and holds room of a disk that may have none.
      if (active.commit.hasFailed) await active.file.truncate(active.sizeBytes).catch(() => {});
      await active.file.close();
    } finally {
      this.#retiring = null;
      this.#segments.push(active);
      this.#segments.sort((a, b) => a.number - b.number);
    }
  }

  async oldest(): Promise<SpoolBatch | null> {
    if (this.#segments.length === 0) {
      // One at a time: a segment that is about to be made retires the one before it as well.
      if (this.#opening === null) await this.#retire();
      else await this.#opening;
    }
    const segment = this.#segments[0];
    if (segment === undefined) return null;
    if (segment.isSent) return { callbacks: [], done: () => this.#remove(segment, null) };
    let decoded: DecodedSegment;
    try {
      decoded = decodeSegment(await readFile(segment.path));
    } catch {
      // The others must not wait for one that the disk does not give.
      await this.#remove(segment, { name: "unreadable", bytes: segment.sizeBytes, isLoss: true });
      return await this.oldest();
    }
    return {
      callbacks: decoded.callbacks,
      done: async () => {
        segment.isSent = true;
        await this.#remove(segment, leftover(segment, decoded));
      },
    };
  }

  /** Removes a segment; with something in it that is in no queue, it is kept under another name. */
  async #remove(segment: Segment, left: Leftover | null): Promise<void> {
    if (left === null) {
      await unlink(segment.path);
    } else {
      const keptAs = `${segment.path}.${left.name}`;
      await rename(segment.path, keptAs);
      if (left.isLoss) this.#options.events.damaged(keptAs, left.bytes);
      else this.#options.events.tornTail(keptAs, left.bytes);
    }
    this.#segments.splice(this.#segments.indexOf(segment), 1);
    this.#bytes -= segment.sizeBytes;
    this.#isFull = false;
    await syncFolder(this.#options.folder);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#opening?.catch(() => {});
    await this.#retire();
    this.#lock[Symbol.dispose]();
  }
}

interface Leftover {
  name: "damaged" | "torn" | "unreadable";
  bytes: number;
  isLoss: boolean;
}

/** What of a segment is not in the queue when all of its callbacks are, as far as anybody may be waiting for it. */
function leftover(segment: Segment, decoded: DecodedSegment): Leftover | null {
  const { callbacks, damagedBytes, tornBytes } = decoded;
  if (damagedBytes > 0 || callbacks.length < segment.callbacks) {
    return { name: "damaged", bytes: Math.max(damagedBytes, tornBytes, 1), isLoss: true };
  }
  // Of its own segments this process knows that whoever wrote the tail was answered 503.
  return tornBytes > 0 && segment.isFound
    ? { name: "torn", bytes: tornBytes, isLoss: false }
    : null;
}

async function readSegments(folder: string): Promise<{ segments: Segment[]; nextNumber: number }> {
  const names = (await readdir(folder)).toSorted();
  const segments: Segment[] = [];
  for (const name of names.filter((one) => SEGMENT_NAME.test(one))) {
    const path = join(folder, name);
    // One that cannot be read is dealt with when its turn comes.
    const bytes = await readFile(path).catch(() => Buffer.alloc(0));
    const { callbacks } = decodeSegment(bytes);
    segments.push({
      path,
      number: numberOf(name),
      sizeBytes: bytes.length,
      callbacks: callbacks.length,
      oldestAtMs: callbacks[0]?.job.receivedAtMs ?? 0,
      isFound: true,
      isSent: false,
    });
  }
  // Names of those that are kept are not used again: the next one would replace them.
  const nextNumber = Math.max(0, ...names.map(numberOf)) + 1;
  return { segments, nextNumber };
}

function numberOf(name: string): number {
  return Number(/^(\d{12})\.spool/u.exec(name)?.[1] ?? 0);
}

export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
