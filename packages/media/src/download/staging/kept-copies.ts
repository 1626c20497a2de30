import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Declared } from "../../report/compare-declared.ts";
import { openStagingHome, stagingHome } from "./open-staging.ts";
import { readSeal } from "./seal.ts";

/**
 * True when a verified copy of exactly this address, made against these claims, waits for nothing but its publication:
 * then `downloadMedia` asks the origin nothing, and its address may have expired. Reads one small file and claims
 * nothing, so another process may be about to publish or remove the copy.
 *
 * @param name As for `downloadMedia`.
 */
export async function hasVerifiedCopy(
  stagingRoot: string,
  name: string,
  url: string,
  declared: Declared,
): Promise<boolean> {
  const parsed = URL.parse(url);
  const home = stagingHome(stagingRoot, name);
  const works = await readdir(home).catch(() => []);
  for (const work of parsed === null ? [] : works) {
    if ((await readSeal(join(home, work), { url: new URL(url), declared })) !== null) {
      return true;
    }
  }
  return false;
}

/**
 * Removes what downloads of this name left, once nobody will try again.
 *
 * @returns false when there was nothing, or when another process works on it.
 */
export async function discardStaging(stagingRoot: string, name: string): Promise<boolean> {
  const home = stagingHome(stagingRoot, name);
  if ((await readdir(home).catch(() => [])).length === 0) {
    return false;
  }
  const staging = await openStagingHome(home).catch(() => null);
  await staging?.discard();
  return staging !== null;
}
