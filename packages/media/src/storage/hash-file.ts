import { createHash, type Hash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";

const READ_BYTES = 1_048_576;

/** Feeds the first `sizeBytes` of a file to a hash. Returns how many there were. */
export async function hashPrefix(
  handle: FileHandle,
  sizeBytes: number,
  hash: Hash,
  signal: AbortSignal,
): Promise<number> {
  const buffer = Buffer.allocUnsafe(Math.min(READ_BYTES, Math.max(sizeBytes, 1)));
  let position = 0;
  while (position < sizeBytes) {
    signal.throwIfAborted();
    // Sequential by nature: a hash takes its bytes in order.
    const { bytesRead } = await handle.read(
      buffer,
      0,
      Math.min(buffer.length, sizeBytes - position),
      position,
    );
    if (bytesRead === 0) {
      break;
    }
    hash.update(buffer.subarray(0, bytesRead));
    position += bytesRead;
  }
  return position;
}

/** SHA-256 of a whole file in lower-case hexadecimal, and its size. */
export async function hashFile(
  path: string,
  signal: AbortSignal,
): Promise<{ sizeBytes: number; sha256: string }> {
  const handle = await open(path, "r");
  try {
    const hash = createHash("sha256");
    const sizeBytes = await hashPrefix(handle, Number.MAX_SAFE_INTEGER, hash, signal);
    return { sizeBytes, sha256: hash.digest("hex") };
  } finally {
    await handle.close();
  }
}
