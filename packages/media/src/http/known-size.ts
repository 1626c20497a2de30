import { AppError } from "@reelgate/shared/errors";
import { describeUrl } from "./describe-url.ts";
import type { Prefix } from "./media-client.ts";

/**
 * The size of the whole file in bytes. A file of unknown size counts for nothing: it would pass as verified however
 * much of it is missing.
 *
 * @throws AppError `media_bad_response` when the origin does not tell it and the file did not end within the prefix.
 */
export function knownSizeBytes(prefix: Prefix): number {
  if (prefix.totalSizeBytes === null) {
    throw new AppError("media_bad_response", {
      message: `${describeUrl(prefix.finalUrl)}: the origin does not say how large the file is.`,
    });
  }
  return prefix.totalSizeBytes;
}
