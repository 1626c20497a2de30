import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { openStagingHome, STAGING_HOME } from "./open-staging.ts";

/**
 * Removes what downloads left that nobody took up again: their recordings failed for good, or were deleted. Call it now
 * and then, such as at the start of a process. Touches nothing but folders that `openStaging` makes.
 *
 * @param unusedForMs Longer than any recording is retried.
 * @returns how many folders were removed.
 * @throws errors of the file system as they come; none when there is no staging folder yet.
 */
export async function sweepStaging(stagingRoot: string, unusedForMs: number): Promise<number> {
  const found = await readdir(stagingRoot, { withFileTypes: true }).catch(() => []);
  const homes = found.filter((entry) => entry.isDirectory() && STAGING_HOME.test(entry.name));
  let removed = 0;
  for (const { name } of homes) {
    const home = join(stagingRoot, name);
    const changedMs = await lastChangeMs(home);
    if (changedMs !== null && Date.now() - changedMs > unusedForMs) {
      // Claimed like any other work, so that a download that begins right now is not swept away.
      const staging = await openStagingHome(home).catch(() => null);
      await staging?.discard();
      removed += staging === null ? 0 : 1;
    }
  }
  return removed;
}

/** Of the folder and of what is directly in it, journals above all; null when it is gone. */
async function lastChangeMs(home: string): Promise<number | null> {
  let latestMs: number | null = null;
  for (const path of [home, ...(await filesIn(home))]) {
    const facts = await stat(path).catch(() => null);
    latestMs = facts === null ? latestMs : Math.max(latestMs ?? 0, facts.mtimeMs);
  }
  return latestMs;
}

async function filesIn(home: string): Promise<string[]> {
  const works = await readdir(home).catch(() => []);
  const files = await Promise.all(
    works.map(async (work) => {
      const inside = await readdir(join(home, work)).catch(() => []);
      return [join(home, work), ...inside.map((file) => join(home, work, file))];
    }),
  );
  return files.flat();
}
