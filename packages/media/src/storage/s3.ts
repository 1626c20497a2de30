import { createReadStream } from "node:fs";
import { join } from "node:path";
import { AbortMultipartUploadCommand, HeadObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { AppError } from "@reelgate/shared/errors";
import { runLanes } from "../concurrency/run-lanes.ts";
import { contentTypeOf } from "./content-type.ts";
import { createS3Client, type S3Credentials } from "./s3-client.ts";
import { s3Failure, toS3Error } from "./s3-errors.ts";
import { toDiskError } from "./storage-errors.ts";
import type { StagedCopy, StagedFile, Storage } from "./storage.ts";
import type { S3Target } from "./storage-url.ts";

export interface S3Options {
  /** A folder on a local disk, in which copies are made. */
  workFolder: string;
  /** Without them the SDK looks where it always does: environment, profile, role of the machine. */
  credentials?: S3Credentials;
}

/** Parts are read whole into memory, so many at a time. S3 takes 10,000 of them at most. */
const PART_BYTES = 8_388_608;
const PARTS_AT_A_TIME = 3;
const MAX_PARTS = 10_000;
/** Objects of one copy at a time, each with one part in memory: segments are small, and their number is what takes time. */
const LANES = 8;

/**
 * A storage that speaks S3 (Amazon, Tencent COS, MinIO). An object appears as a whole with the last request of its
 * upload, so what is published is verified before the first. Every object carries the SHA-256 of its bytes as metadata:
 * that is how a later try knows its own.
 *
 * Its endpoint is the operator's, so it does not go through the guard of foreign URLs.
 */
export function createS3Storage(target: S3Target, options: S3Options): Storage {
  const client = createS3Client(target, options.credentials);
  const keyOf = (name: string): string =>
    target.prefix === "" ? name : `${target.prefix}/${name}`;

  return {
    stagingRoot: join(options.workFolder, ".reelgate-staging"),
    async publish(copy, name, publishOptions): Promise<{ url: string }> {
      const objects = objectsOf(copy, keyOf(name));
      const partsAtATime = objects.length === 1 ? PARTS_AT_A_TIME : 1;
      const bytesOf = new Map<string, number>();
      let bytesDone = 0;
      let filesDone = 0;

      const count = (key: string, bytes: number): void => {
        bytesDone += bytes - (bytesOf.get(key) ?? 0);
        bytesOf.set(key, bytes);
        publishOptions.onProgress?.(bytesDone, filesDone);
      };
      const publishOne = async (object: StagedObject, signal: AbortSignal): Promise<void> => {
        const where: Destination = { client, bucket: target.bucket, partsAtATime, signal };
        await publishObject(where, object, (bytes) => count(object.key, bytes));
        filesDone += 1;
        count(object.key, object.sizeBytes);
      };
      // What makes the others visible comes last.
      await runLanes(objects.slice(0, -1), LANES, publishOptions.signal, publishOne);
      await runLanes(objects.slice(-1), 1, publishOptions.signal, publishOne);
      return { url: `s3://${target.bucket}/${keyOf(name)}` };
    },
    close: async () => client.destroy(),
  };
}

interface StagedObject extends StagedFile {
  key: string;
  path: string;
}

function objectsOf(copy: StagedCopy, key: string): StagedObject[] {
  const { path, sizeBytes, sha256 } = copy;
  return copy.kind === "file"
    ? [{ name: "", key, path, sizeBytes, sha256 }]
    : copy.files.map((file) => ({
        ...file,
        key: `${key}/${file.name}`,
        path: join(path, file.name),
      }));
}

interface Destination {
  client: S3Client;
  bucket: string;
  partsAtATime: number;
  signal: AbortSignal;
}

async function publishObject(
  destination: Destination,
  object: StagedObject,
  onBytes: (bytes: number) => void,
): Promise<void> {
  const { client, bucket, signal } = destination;
  const where = `s3://${bucket}/${object.key}`;
  try {
    signal.throwIfAborted();
    if (await isThere(client, bucket, object, signal)) {
      return;
    }
    try {
      await upload(destination, object, onBytes, true);
    } catch (error) {
      const failure = s3Failure(error);
      if (failure?.status === 501) {
        // A server that knows no conditional writes: the look before is all there is, and the claim on the name.
        await upload(destination, object, onBytes, false);
      } else if (failure?.status !== 412 && failure?.status !== 409) {
        throw error;
      }
    }
    if (!(await isThere(client, bucket, object, signal))) {
      throw new AppError("storage_unavailable", {
        message: `${where}: it was uploaded and is not there.`,
      });
    }
  } catch (error) {
    signal.throwIfAborted();
    // Only errors of files name a path: the staged copy could not be read.
    throw error instanceof Error && "path" in error
      ? toDiskError(error, object.path)
      : toS3Error(error, where);
  }
}

/**
 * True when the very bytes have the name already.
 *
 * @throws AppError `storage_conflict` when others do.
 */
async function isThere(
  client: S3Client,
  bucket: string,
  { key, sizeBytes, sha256 }: StagedObject,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    const found = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: key }), {
      abortSignal: signal,
    });
    if (found.ContentLength === sizeBytes && found.Metadata?.["sha256"] === sha256) {
      return true;
    }
  } catch (error) {
    // A HEAD has no body, so a missing bucket looks like a missing object here; the upload tells them apart.
    if (s3Failure(error)?.status === 404) {
      return false;
    }
    throw error;
  }
  throw new AppError("storage_conflict", {
    message: `s3://${bucket}/${key} holds other bytes than this recording; nothing was overwritten. Compare, remove the wrong one, retry.`,
  });
}

async function upload(
  { client, bucket, partsAtATime, signal }: Destination,
  { key, path, sizeBytes, sha256 }: StagedObject,
  onBytes: (bytes: number) => void,
  onlyIfFree: boolean,
): Promise<void> {
  const body = createReadStream(path, { highWaterMark: 1_048_576 });
  const transfer = new Upload({
    client: abortable(client, signal),
    queueSize: partsAtATime,
    partSize: Math.max(PART_BYTES, Math.ceil(sizeBytes / MAX_PARTS)),
    params: {
      Bucket: bucket,
      Key: key,
      Body: body,
      ContentType: contentTypeOf(key),
      Metadata: { sha256 },
      // The condition is checked by the request that makes the object visible.
      ...(onlyIfFree ? { IfNoneMatch: "*" } : {}),
    },
  });
  transfer.on("httpUploadProgress", ({ loaded }) => onBytes(loaded ?? 0));
  try {
    await transfer.done();
  } finally {
    body.destroy();
  }
}

/**
 * A client whose requests end with the signal. `Upload.abort` is of no use: it returns before the parts that are under
 * way have ended and before the upload was aborted at the storage, which then keeps, and bills, what it has. When a
 * part fails instead, `done` aborts the upload first and then throws; that last request must be sent in any case.
 */
function abortable(client: S3Client, signal: AbortSignal): S3Client {
  const send = async (command: unknown): Promise<unknown> => {
    const cleansUp = command instanceof AbortMultipartUploadCommand;
    return await client.send(command as never, cleansUp ? {} : { abortSignal: signal });
  };
  return Object.create(client, { send: { value: send } }) as S3Client;
}
