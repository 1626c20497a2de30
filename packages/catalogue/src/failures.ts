import { AppError } from "@reelgate/shared/errors";

/**
 * What Postgres' errors mean for the caller: whether the same work can succeed later.
 *
 * - SQLSTATE classes 22 (data), 23 (constraint) and 54 (limit exceeded) speak of the row: repeating cannot help. Not so
 *   23505: every unique key that a callback can meet is handled where it is written, so another one means a broken
 *   sequence, as after a restore of the data alone, and the row is sound.
 * - Classes 28 (authorisation) and 3D (no such database) speak of the configuration.
 * - Everything else that Postgres or the connection says (08, 25006 read-only after a failover, 40 rollbacks, 53
 *   resources, 57 shutdown, timeouts, a refused or broken connection) speaks of the moment.
 */
export async function catalogued<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    // A defect of this code is no trouble of Postgres: it keeps its own face.
    if (error instanceof AppError || DEFECTS.some((defect) => error instanceof defect)) throw error;
    throw catalogueError(error);
  }
}

const DEFECTS = [TypeError, RangeError, SyntaxError, ReferenceError];
const ROW_IS_WRONG = /^(?:22|23(?!505)|54)/u;
const ACCESS_IS_WRONG = /^(?:28|3D)/u;
const SQLSTATE = /^[0-9A-Z]{5}$/u;

/** Serialisation failure and deadlock: Postgres rolled the transaction back for the sake of others. */
const ROLLED_BACK = new Set(["40001", "40P01"]);

/** Whether a transaction failed for its timing alone, so that the same work can be done again at once. */
export function isRolledBackToRunAgain(error: unknown): boolean {
  return ROLLED_BACK.has(sqlStateOf(error) ?? "");
}

/**
 * Whether what {@link catalogued} threw says that a statement took too long: the server is slow, or the statement waited
 * for a row that somebody keeps locked.
 */
export function isStatementTimeout(error: unknown): boolean {
  return error instanceof AppError && sqlStateOf(error.cause) === "57014";
}

function sqlStateOf(error: unknown): string | null {
  return error instanceof Error && "code" in error ? String(error.code) : null;
}

export function catalogueError(error: unknown): AppError {
  const code = sqlStateOf(error);
  if (code !== null && SQLSTATE.test(code) && ROW_IS_WRONG.test(code)) {
    return new AppError("catalogue_rejected", {
      message: `Postgres refused the row (SQLSTATE ${code}).`,
      cause: error,
    });
  }
  if (code !== null && SQLSTATE.test(code) && ACCESS_IS_WRONG.test(code)) {
    return new AppError("catalogue_refused", {
      message: `Postgres refuses the user, the password or the database of DATABASE_URL (SQLSTATE ${code}).`,
      cause: error,
    });
  }
  return new AppError("catalogue_unavailable", {
    message: `Postgres cannot do this now${code === null ? "" : ` (${code})`}.`,
    cause: error,
  });
}
