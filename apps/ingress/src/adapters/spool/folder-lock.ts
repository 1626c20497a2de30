import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

const LOCK_FILE = "lock";

/**
 * Takes a folder for this process alone, or says that another process has it.
 *
 * The lock is the kernel's: SQLite holds it on a file for the time of an exclusive transaction, and whatever ends the
 * process ends it. Node gives no other way to it. A file with a process id would not do: replicas in containers share
 * the volume, and each believes to be process 1.
 *
 * @returns null when another process has the folder.
 * @throws Error when the folder cannot be written.
 */
export function lockFolder(folder: string): Disposable | null {
  const database = new DatabaseSync(join(folder, LOCK_FILE), { timeout: 0 });
  try {
    database.exec("begin exclusive");
  } catch (error) {
    database.close();
    if (isBusy(error)) return null;
    throw error;
  }
  return { [Symbol.dispose]: () => database.close() };
}

/** SQLITE_BUSY, https://www.sqlite.org/rescode.html#busy; the low byte of an extended code is its primary one. */
const SQLITE_BUSY = 5;

function isBusy(error: unknown): boolean {
  return (
    error instanceof Error &&
    "errcode" in error &&
    typeof error.errcode === "number" &&
    (error.errcode & 0xff) === SQLITE_BUSY
  );
}
