import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** Where package managers put programs even when PATH does not say so. */
const EXTRA_FOLDERS = ["/usr/bin", "/usr/sbin", "/usr/local/bin", "/opt/homebrew/bin"];

/** The first of the names that is a program somewhere; null when none is. */
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
