import { AppError } from "@reelgate/shared/errors";
import type { MediaClient } from "../http/media-client.ts";
import { takeBytes } from "../http/media-response.ts";

/** Bytes that came, and the size of the whole file as the origin tells it. */
export interface FilePart {
  totalSizeBytes: number | null;
  /** From the asked position on, fewer where the file ends. Null: the origin takes no ranges, and they are too far in. */
  bytes: Uint8Array | null;
}

/** What is read in vain to get to a part of a file whose origin ignores ranges. */
const MAX_SKIPPED_BYTES = 1_048_576;

/**
 * Reads `length` bytes of a file from `start` on.
 *
 * @throws AppError as `MediaClient.open` does.
 */
export async function readFilePart(
  client: MediaClient,
  url: string,
  start: number,
  length: number,
  signal: AbortSignal,
): Promise<FilePart> {
  if (start === 0) {
    return await client.readPrefix(url, length, signal);
  }
  const response = await client.open(url, { range: { start, end: start + length - 1 }, signal });
  const { status, totalSizeBytes } = response;
  switch (status) {
    case 206:
      return { totalSizeBytes, bytes: (await takeBytes(response, length)).bytes };
    case 416:
      await response.close();
      return { totalSizeBytes, bytes: new Uint8Array() };
    case 200: {
      if (start > MAX_SKIPPED_BYTES) {
        await response.close();
        return { totalSizeBytes, bytes: null };
      }
      const { bytes, ended } = await takeBytes(response, start + length);
      return {
        totalSizeBytes: totalSizeBytes ?? (ended ? bytes.length : null),
        bytes: bytes.subarray(start),
      };
    }
    default:
      return status satisfies never;
  }
}

/** The origin says that there is no such file. Every other failure says nothing about the file. */
export function isNotThere(error: unknown): boolean {
  return error instanceof AppError && error.code === "media_not_found";
}
