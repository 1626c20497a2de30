import { AppError, type ErrorCode } from "@reelgate/shared/errors";

/** Error codes of S3 and of what speaks its protocol (Tencent COS, MinIO), where the status alone does not tell. */
const S3_CODES: Readonly<Record<string, ErrorCode>> = {
  QuotaExceeded: "storage_full",
  XMinioStorageFull: "storage_full",
  InsufficientStorage: "storage_full",
  AccessDenied: "storage_refused",
  AccountProblem: "storage_refused",
  AllAccessDisabled: "storage_refused",
  NoSuchBucket: "storage_refused",
  InvalidBucketName: "storage_refused",
  InvalidAccessKeyId: "storage_refused",
  SignatureDoesNotMatch: "storage_refused",
  ExpiredToken: "storage_refused",
  InvalidToken: "storage_refused",
  RequestTimeTooSkewed: "storage_refused",
  AuthorizationHeaderMalformed: "storage_refused",
  PermanentRedirect: "storage_refused",
  PathStyleDomainForbidden: "storage_refused",
  MethodNotAllowed: "storage_refused",
  // The SDK found no keys: neither given nor in the environment.
  CredentialsProviderError: "storage_refused",
};

const ADVICE: Readonly<Record<string, string>> = {
  NoSuchBucket: "there is no such bucket; check its name and the region",
  InvalidAccessKeyId: "the access key is not known; check it",
  SignatureDoesNotMatch: "the secret key is wrong; check it",
  RequestTimeTooSkewed: "the clock of this machine is wrong; set it",
  PermanentRedirect: "the bucket is in another region; check region and endpoint",
  AuthorizationHeaderMalformed: "the region is wrong; check it",
  PathStyleDomainForbidden: "the bucket takes no path-style addresses; remove path_style=true",
  CredentialsProviderError: "no access key is configured",
};

interface S3Failure {
  name: string;
  /** 0: no answer came. */
  status: number;
}

/** What the SDK threw, as far as it is an answer of the storage or the lack of one; null for a defect of this program. */
export function s3Failure(error: unknown): S3Failure | null {
  if (!(error instanceof Error) || error instanceof TypeError || error instanceof AppError) {
    return null;
  }
  const { $metadata, Code } = error as { $metadata?: { httpStatusCode?: number }; Code?: string };
  return { name: Code ?? error.name, status: $metadata?.httpStatusCode ?? 0 };
}

/**
 * The registry's error for what the SDK threw; AppErrors and defects of this program are returned as they are.
 *
 * @param where Bucket and key, for the message.
 */
export function toS3Error(error: unknown, where: string): unknown {
  const failure = s3Failure(error);
  if (failure === null) {
    return error;
  }
  const { name, status } = failure;
  const code = S3_CODES[name] ?? statusCode(status);
  const told = status === 0 ? name : `${name}, HTTP ${status}`;
  return new AppError(code, {
    message: `${where}: ${ADVICE[name] ?? GENERAL_ADVICE[code] ?? "it failed"} (${told}).`,
    cause: error,
  });
}

const GENERAL_ADVICE: Readonly<Partial<Record<ErrorCode, string>>> = {
  storage_full: "there is no room left; raise the quota",
  storage_refused:
    "access is refused; check the keys and their rights (list, read, write, abort of uploads)",
  storage_unavailable: "the storage cannot be reached or fails for now",
};

function statusCode(status: number): ErrorCode {
  if (status === 507) {
    return "storage_full";
  }
  // 429 and 408 pass; every other 4xx says that the request itself is not wanted.
  return status >= 400 && status < 500 && status !== 429 && status !== 408
    ? "storage_refused"
    : "storage_unavailable";
}
