import { closeSync, fstatSync, mkdirSync, openSync, renameSync, writeSync } from "node:fs";
import { dirname } from "node:path";

const MAX_SIZE_BYTES = 32 * 1024 * 1024;

/** A log file that is moved to `<path>.1` when it has grown large, so that logs take at most twice that size. */
export interface LogFile extends Disposable {
  write(line: string): void;
}

export function openLogFile(path: string, maxSizeBytes: number = MAX_SIZE_BYTES): LogFile {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  let file = openSync(path, "a", 0o600);
  let sizeBytes = fstatSync(file).size;
  let closed = false;
  return {
    write(line) {
      // The last words of a child can come after everything was closed.
      if (closed) return;
      if (sizeBytes > maxSizeBytes) {
        closeSync(file);
        renameSync(path, `${path}.1`);
        file = openSync(path, "a", 0o600);
        sizeBytes = 0;
      }
      sizeBytes += writeSync(file, `${line}\n`);
    },
    [Symbol.dispose]() {
      if (closed) return;
      closed = true;
      closeSync(file);
    },
  };
}
