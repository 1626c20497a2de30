import { statfs } from "node:fs/promises";
import { AppError } from "@reelgate/shared/errors";

/**
 * Refuses what cannot end well before it is fetched.
 *
 * @param missingBytes What is still to be written below `folder`.
 * @throws AppError `storage_full` when the disk has less room than that now.
 */
export async function checkRoom(
  folder: string,
  missingBytes: number,
  where: string,
): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  if (missingBytes > bavail * bsize) {
    throw new AppError("storage_full", {
      message: `${folder}: ${where} needs ${missingBytes} more bytes and ${bavail * bsize} are free. Make room; the download goes on where it stopped.`,
    });
  }
}

/** @throws AppError `media_budget_exceeded` when a copy has more bytes than it may have. */
export function checkBudget(bytes: number, maxBytes: number, where: string): void {
  if (bytes > maxBytes) {
    throw new AppError("media_budget_exceeded", {
      message: `${where}: the copy would have more than the ${maxBytes} bytes that are allowed.`,
    });
  }
}
