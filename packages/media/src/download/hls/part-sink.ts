import { createHash, type Hash } from "node:crypto";
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { createSegmentVerifier, type SegmentVerifier } from "../../hls/segment-check.ts";
import type { SegmentLock } from "../../hls/segment-keys.ts";
import type { SegmentProblem } from "../../hls/segment-problems.ts";
import { createWriteBehind } from "./write-behind.ts";

/** The file that a segment grows in, with the hash and the verification of all that is in it. One caller at a time. */
export interface PartSink extends AsyncDisposable {
  /** Bytes taken so far, those on their way to the disk included. */
  readonly position: number;
  /** Takes the bytes, which must not change any more. Waits for the disk only when that is far behind. */
  append(bytes: Uint8Array): Promise<void>;
  /** Resolves when all that was taken is written. */
  settle(): Promise<void>;
  /** Begins again with an empty file. */
  restart(): Promise<void>;
  /** Called once all bytes are in and settled. */
  finish(): { sha256: string; problem: SegmentProblem | null };
  /** The first 4096 bytes, fewer when there are not so many: what the segment is shows there. */
  head(): Uint8Array;
}

const HEAD_BYTES = 4096;
const READ_BYTES = 65_536;

/**
 * Opens the file and reads what is kept of it, for the hash and the verification.
 *
 * @param keptBytes At most so many are kept; what is behind them is cut off.
 */
export async function openPartSink(
  path: string,
  keptBytes: number,
  lock: SegmentLock,
): Promise<PartSink> {
  const { O_CREAT, O_NOFOLLOW, O_RDWR, O_TRUNC } = constants;
  // A symbolic link is not followed: what is written is a file of the staging folder or none.
  const flags = O_RDWR | O_NOFOLLOW | (keptBytes === 0 ? O_CREAT | O_TRUNC : 0);
  const handle = await open(path, flags, 0o666);
  // Who waits for the disk keeps a place at the origin from others.
  const disk = createWriteBehind(handle);
  let hash: Hash = createHash("sha256");
  let verifier: SegmentVerifier = createSegmentVerifier(lock);

  const head = new Uint8Array(HEAD_BYTES);

  function take(bytes: Uint8Array): void {
    if (sink.position < HEAD_BYTES) {
      head.set(bytes.subarray(0, HEAD_BYTES - sink.position), sink.position);
    }
    hash.update(bytes);
    verifier.push(bytes);
    sink.position += bytes.length;
  }

  async function readKept(): Promise<void> {
    const buffer = Buffer.allocUnsafe(Math.min(READ_BYTES, keptBytes));
    while (sink.position < keptBytes) {
      const wanted = Math.min(buffer.length, keptBytes - sink.position);
      const { bytesRead } = await handle.read(buffer, 0, wanted, sink.position);
      if (bytesRead === 0) {
        break;
      }
      take(buffer.subarray(0, bytesRead));
    }
    if (keptBytes > 0) {
      await handle.truncate(sink.position);
    }
    disk.moveTo(sink.position);
  }

  const sink = {
    position: 0,
    settle: () => disk.settle(),
    async append(bytes: Uint8Array): Promise<void> {
      take(bytes);
      await disk.push(bytes);
    },
    async restart(): Promise<void> {
      await disk.settle();
      await handle.truncate(0);
      disk.moveTo(0);
      hash = createHash("sha256");
      verifier = createSegmentVerifier(lock);
      sink.position = 0;
    },
    finish: () => ({ sha256: hash.digest("hex"), problem: verifier.end() }),
    head: () => head.subarray(0, sink.position),
    async [Symbol.asyncDispose](): Promise<void> {
      // What it says of the disk has been heard by whoever settled, or is of no more use.
      await disk.settle().catch(() => {});
      await handle.close();
    },
  };
  try {
    await readKept();
  } catch (error) {
    await handle.close();
    throw error;
  }
  return sink;
}
