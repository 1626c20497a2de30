import { createLocalCopies } from "./local-copies.ts";
import type { S3Credentials } from "./s3-client.ts";
import type { StorageTarget } from "./storage-url.ts";
import type { StoredCopies } from "./stored-copies.ts";

/** Opens a storage for reading. The SDK of S3 is loaded for S3 alone. */
export async function openCopies(
  target: StorageTarget,
  credentials: S3Credentials | null,
): Promise<StoredCopies> {
  switch (target.kind) {
    case "folder":
      return createLocalCopies(target);
    case "s3": {
      const { createS3Copies } = await import("./s3-copies.ts");
      return createS3Copies(target, credentials ?? undefined);
    }
    default:
      return target satisfies never;
  }
}
