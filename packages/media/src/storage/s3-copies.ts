import type { Readable } from "node:stream";
import { GetObjectCommand, HeadObjectCommand } from "@aws-sdk/client-s3";
import { AppError } from "@reelgate/shared/errors";
import { placeOf } from "./copy-place.ts";
import { createS3Client, type S3Credentials } from "./s3-client.ts";
import { s3Failure, toS3Error } from "./s3-errors.ts";
import type { S3Target } from "./storage-url.ts";
import type { StoredCopies, StoredFile } from "./stored-copies.ts";

/** Reads copies of a storage that speaks S3. Every read names the version that was found, by its ETag. */
export function createS3Copies(target: S3Target, credentials?: S3Credentials): StoredCopies {
  const client = createS3Client(target, credentials);
  return {
    async find(storedUrl, file, signal): Promise<StoredFile | null> {
      const place = placeOf(target, storedUrl, file);
      if (place === null) return null;
      const key = target.prefix === "" ? place : `${target.prefix}/${place}`;
      const object = { Bucket: target.bucket, Key: key };
      const where = `s3://${target.bucket}/${key}`;
      const reading = new AbortController();
      const ended = AbortSignal.any([signal, reading.signal]);
      try {
        const head = await client.send(new HeadObjectCommand(object), { abortSignal: ended });
        const { ContentLength: sizeBytes, ETag: etag, LastModified: modifiedAt } = head;
        if (sizeBytes === undefined || etag === undefined || modifiedAt === undefined) {
          throw new AppError("storage_unavailable", {
            message: `${where}: the storage does not say which version of the object it has.`,
          });
        }
        return {
          sizeBytes,
          etag,
          modifiedAt,
          async read({ first, last }): Promise<Readable> {
            try {
              const answer = await client.send(
                new GetObjectCommand({ ...object, Range: `bytes=${first}-${last}`, IfMatch: etag }),
                { abortSignal: ended },
              );
              return answer.Body as Readable;
            } catch (error) {
              signal.throwIfAborted();
              throw toS3Error(error, where);
            }
          },
          [Symbol.asyncDispose]: async () => reading.abort(),
        };
      } catch (error) {
        signal.throwIfAborted();
        // A HEAD has no body, so a missing bucket looks like a missing object here.
        if (s3Failure(error)?.status === 404) return null;
        throw toS3Error(error, where);
      }
    },
    close: async () => client.destroy(),
  };
}
