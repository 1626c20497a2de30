import { AppError } from "@reelgate/shared/errors";
import type { SegmentKeys } from "../../hls/segment-keys.ts";
import { describeUrl } from "../../http/describe-url.ts";
import type { StagedFile } from "../../storage/storage.ts";
import type { CopyFolder } from "./copy-folder.ts";
import type { LocalKey } from "./local-files.ts";
import { runLanes } from "../../concurrency/run-lanes.ts";

const LANES = 8;

/**
 * Fetches the keys and puts them beside the segments: a copy whose key the origin has forgotten is noise. One that is
 * missing or is no key has its finding in `keys`.
 *
 * @throws AppError `media_forbidden` when the origin refuses a key; as `SegmentKeys.lockOf` does.
 */
export async function keepKeys(
  keys: SegmentKeys,
  localKeys: readonly LocalKey[],
  folder: CopyFolder,
  outer: AbortSignal,
): Promise<readonly StagedFile[]> {
  const files: (StagedFile | undefined)[] = [];
  await runLanes(localKeys.entries(), LANES, outer, async ([index, { key, url, name }], signal) => {
    // The bytes of a key are the same for both methods, but only of this one they are used here.
    const asked = { keys: [{ ...key, method: "AES-128" as const }], sequence: 0 };
    const lock = await keys.lockOf(asked, signal);
    if (lock.kind === "aes") {
      files[index] = await folder.write(name, lock.cipher.key);
      return;
    }
    const where = describeUrl(new URL(url));
    if (!keys.findings().some(({ declared }) => declared === where)) {
      throw new AppError("media_forbidden", {
        message: `The origin refuses the key ${where}, and without it a copy is of no use.`,
      });
    }
  });
  return files.filter((file) => file !== undefined);
}
