import { renameSync, writeFileSync } from "node:fs";

/** Replaces a file as a whole, readable by its owner alone. A crash leaves the old content or the new one. */
export function writePrivateFile(path: string, content: string): void {
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(temporary, content, { mode: 0o600, flush: true });
  renameSync(temporary, path);
}
