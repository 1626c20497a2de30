import { basename, dirname } from "node:path";
import { pathToFileURL } from "node:url";
import type { MediaReport } from "@reelgate/shared/contract/media";
import { indexMedia } from "../index-media.ts";
import type { Declared } from "../report/compare-declared.ts";
import { createFolderClient } from "../source/folder-client.ts";
import { PLAYLIST_NAME } from "../storage/copy-place.ts";

/** Looks at a staged copy: at a file, or at the playlist of a folder. */
export type VerifyCopy = (
  path: string,
  declared: Declared,
  signal: AbortSignal,
) => Promise<MediaReport>;

/**
 * Looks at what is on the disk as `indexMedia` looks at an origin, but at all of it: every byte of a single file
 * and every segment, whose bytes were verified one by one while they were written; and without a bound on the bytes,
 * which cost nobody anything here.
 *
 * @throws as `indexMedia` does.
 */
export const verifyStaged: VerifyCopy = async (path, declared, signal) => {
  const client = createFolderClient(dirname(path));
  try {
    return await indexMedia(client, pathToFileURL(path).href, declared, {
      segments: "all",
      isThorough: basename(path) !== PLAYLIST_NAME,
      maxFetchedBytes: Number.MAX_SAFE_INTEGER,
      // A slow disk is no reason to fetch everything again.
      totalTimeoutMs: 3_600_000,
      signal,
    });
  } finally {
    await client.close();
  }
};
