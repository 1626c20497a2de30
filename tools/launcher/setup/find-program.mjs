import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** Where package managers put servers even when PATH does not say so. */
const EXTRA_FOLDERS = ["/usr/bin", "/usr/sbin", "/usr/local/bin", "/opt/homebrew/bin"];

/** The path of the first of these programs that the machine has; null when it has none. */
export function findProgram(names) {
  const folders = [...(process.env.PATH ?? "").split(delimiter).filter(Boolean), ...EXTRA_FOLDERS];
  for (const name of names) {
    for (const folder of folders) {
      const path = join(folder, name);
      try {
        accessSync(path, constants.X_OK);
        return path;
      } catch {
        // Not there, or not a program: the next folder may have it.
      }
    }
  }
  return null;
}
