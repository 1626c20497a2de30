import { S3Client } from "@aws-sdk/client-s3";
import type { S3Target } from "./storage-url.ts";

export interface S3Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
}

/**
 * A client of one storage, whose endpoint is the operator's: it does not go through the guard of foreign URLs.
 *
 * @param credentials Without them the SDK looks where it always does: environment, profile, role of the machine.
 */
export function createS3Client(target: S3Target, credentials?: S3Credentials): S3Client {
  return new S3Client({
    region: target.region,
    ...(target.endpoint === null ? {} : { endpoint: target.endpoint }),
    ...(credentials === undefined ? {} : { credentials }),
    forcePathStyle: target.pathStyle,
    // The checksums that the SDK adds since 3.729 are refused by other implementations (aws-sdk-js-v3 #6810). The
    // signature covers the SHA-256 of every part all the same.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    maxAttempts: 3,
    requestHandler: { connectionTimeout: 10_000, socketTimeout: 60_000 },
  });
}
