import { AppError, type ErrorCode, errorMessage } from "@reelgate/shared/errors";

/** Codes of the operating system (errno) and what they mean for a storage on a disk. All others: it fails for now. */
const DISK_CODES: Readonly<Record<string, ErrorCode>> = {
  ENOSPC: "storage_full",
  EDQUOT: "storage_full",
  EACCES: "storage_refused",
  EPERM: "storage_refused",
  EROFS: "storage_refused",
  EEXIST: "storage_refused",
  ENOTDIR: "storage_refused",
  EISDIR: "storage_refused",
  ELOOP: "storage_refused",
  ENAMETOOLONG: "storage_refused",
  // A file larger than the file system or the process's limit allows.
  EFBIG: "storage_refused",
};

const IN_THE_WAY: ReadonlySet<string> = new Set(["EEXIST", "ENOTDIR"]);

const ADVICE: Readonly<Partial<Record<ErrorCode, string>>> = {
  storage_full: "there is no room left; make room or raise the quota",
  storage_refused:
    "access is refused; check the folder's owner and rights and that it is mounted for writing",
  storage_unavailable: "the disk fails or is not there for now",
};

/**
 * The registry's error for a failed operation on a local folder. Errors without a code of the operating system (AppErrors
 * among them, and defects of this program) are returned as they are.
 */
export function toDiskError(error: unknown, folder: string): unknown {
  if (!(error instanceof Error) || error instanceof AppError) {
    return error;
  }
  const { errno, code } = error as NodeJS.ErrnoException;
  if (errno === undefined || code === undefined) {
    return error;
  }
  const mapped = DISK_CODES[code] ?? "storage_unavailable";
  const advice = IN_THE_WAY.has(code) ? "a file stands where a folder must be" : ADVICE[mapped];
  return new AppError(mapped, {
    message: `${folder}: ${advice} (${errorMessage(error)}).`,
    cause: error,
  });
}

/** Runs an operation on a local folder; what it fails with is an AppError of the storage codes. */
export async function onDisk<T>(folder: string, operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (error) {
    throw toDiskError(error, folder);
  }
}
