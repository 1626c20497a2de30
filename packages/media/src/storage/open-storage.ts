import { createLocalFolderStorage } from "./local-folder.ts";
import type { S3Options } from "./s3.ts";
import type { Storage } from "./storage.ts";
import type { StorageTarget } from "./storage-url.ts";

/** Opens the storage that `parseStorageUrl` read. The SDK of S3 is loaded for S3 alone. */
export async function openStorage(target: StorageTarget, options: S3Options): Promise<Storage> {
  switch (target.kind) {
    case "folder":
      return createLocalFolderStorage(target.root);
    case "s3": {
      const { createS3Storage } = await import("./s3.ts");
      return createS3Storage(target, options);
    }
    default:
      return target satisfies never;
  }
}
