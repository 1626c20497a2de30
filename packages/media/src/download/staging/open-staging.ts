import { createHash } from "node:crypto";
import { mkdir, readdir, rename, rm, rmdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { prepareStagingRoot } from "./staging-root.ts";
import { makeFolders } from "../../storage/durable-files.ts";
import { type Claim, CLAIM_TIMES, type ClaimTimes, takeClaim } from "./claim.ts";

/**
 * The folder in which one copy is made, owned by this process. What an owner before left there is still there.
 *
 * `<stagingRoot>/<hash of the name>/claim` says who owns it, `…/work-<token of the owner>/` holds everything else. Each
 * owner renames the work folder: steps of a lost owner that name a file fail with ENOENT instead of mixing in. Dispose
 * to give it to whoever comes next.
 */
export interface Staging extends AsyncDisposable {
  readonly folder: string;
  /**
   * True when the owner before may still run and hold files of the folder open: then what it was writing to is not to
   * be written on, only finished files and copies of what was flushed are.
   */
  readonly isContested: boolean;
  /** Aborts when another process took over. */
  readonly signal: AbortSignal;
  /** Throws AppError `storage_claimed` when another process took over. Called before what it would be confused by. */
  assertOwned(): Promise<void>;
  /** Removes everything. */
  discard(): Promise<void>;
}

const FREE = "work-free";

/**
 * Opens the staging folder of a copy.
 *
 * @param name Of the copy, without extension; equal names have one folder.
 * @throws AppError `storage_claimed` while another process works in it; errors of the file system as they come.
 */
export async function openStaging(
  stagingRoot: string,
  name: string,
  times: ClaimTimes = CLAIM_TIMES,
): Promise<Staging> {
  await prepareStagingRoot(stagingRoot);
  return await openStagingHome(stagingHome(stagingRoot, name), times);
}

/** Where the copies of a name are made. */
export function stagingHome(stagingRoot: string, name: string): string {
  return join(stagingRoot, createHash("sha256").update(name).digest("hex").slice(0, 32));
}

/** What `stagingHome` makes: nothing else in the staging folder is ever touched. */
export const STAGING_HOME: RegExp = /^[0-9a-f]{32}$/;
const WORK_FOLDER = /^work-(?:free|[0-9a-f]{32})$/;

/** As `openStaging`, for a folder that is known by its place alone. */
export async function openStagingHome(
  home: string,
  times: ClaimTimes = CLAIM_TIMES,
): Promise<Staging> {
  const claim = await claimHome(home, times);
  try {
    const folder = join(home, `work-${claim.token}`);
    const inherited = await inherit(home, folder, claim);
    return hold(home, folder, claim, inherited === "contested");
  } catch (error) {
    await claim.release();
    throw error;
  }
}

async function claimHome(home: string, times: ClaimTimes): Promise<Claim> {
  for (let tries = 1; ; tries += 1) {
    await makeFolders(home);
    try {
      return await takeClaim(home, times);
    } catch (error) {
      // Another owner that is done removes the folder at this very moment.
      if ((error as NodeJS.ErrnoException).code !== "ENOENT" || tries === 5) {
        throw error;
      }
    }
  }
}

async function inherit(
  home: string,
  folder: string,
  claim: Claim,
): Promise<"nothing" | "settled" | "contested"> {
  const settled: readonly string[] = [FREE, `work-${claim.deadToken}`];
  const found = (await readdir(home)).filter((entry) => WORK_FOLDER.test(entry));
  const ages = new Map<string, number>();
  for (const entry of found) {
    ages.set(entry, (await stat(join(home, entry))).mtimeMs);
  }
  const [newest, ...others] = found.toSorted((a, b) => (ages.get(b) ?? 0) - (ages.get(a) ?? 0));
  for (const other of others) {
    await rm(join(home, other), { recursive: true, force: true });
  }
  if (newest === undefined) {
    await mkdir(folder);
    return "nothing";
  }
  await rename(join(home, newest), folder);
  return settled.includes(newest) ? "settled" : "contested";
}

function hold(home: string, folder: string, claim: Claim, isContested: boolean): Staging {
  let ended = false;

  /** Steps of the end are for tidiness: what cannot be tidied up is found by the next owner, or by the sweep. */
  async function end(tidy: () => Promise<void>): Promise<void> {
    if (ended) {
      return;
    }
    ended = true;
    await tidy().catch(() => {});
    await claim.release().catch(() => {});
    await rmdir(home).catch(() => {});
  }

  return {
    folder,
    isContested,
    signal: claim.signal,
    assertOwned: () => claim.assertOwned(),
    discard: () => end(() => rm(folder, { recursive: true, force: true })),
    [Symbol.asyncDispose]: () =>
      end(async () => {
        await rmdir(folder).catch(async () => {
          await claim.assertOwned();
          await rename(folder, join(home, FREE));
        });
      }),
  };
}
