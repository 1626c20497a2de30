import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** Where package managers put servers even when PATH does not say so. */
const EXTRA_FOLDERS = ["/usr/bin", "/usr/sbin", "/usr/local/bin", "/opt/homebrew/bin"];

/** The first of `names` that can be run, as an absolute path; null when there is none. */
export function findProgram(names: readonly string[], searchPath: string): string | null {
  const folders = [
    ...searchPath.split(delimiter).filter((folder) => folder !== ""),
    ...EXTRA_FOLDERS,
  ];
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
