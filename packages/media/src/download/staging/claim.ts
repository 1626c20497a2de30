import { randomBytes } from "node:crypto";
import { link, readFile, rename, stat, unlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { AppError } from "@reelgate/shared/errors";
import { isDead, ownIdentity, type ProcessIdentity } from "./process-identity.ts";

/*
 * One staging folder has at most one owner: the process whose token stands in its file `claim`.
 *
 *   take     The token is written to a file of its own and linked to `claim`: only one can succeed.
 *   renew    Every 10 s the owner reads `claim`, and touches it while its own token is in there.
 *   take over  A claim is given up when its process is dead (same machine, same boot), or when nobody touched it for
 *            60 s (the event loop was blocked, the machine slept, another machine died). The younger one renames its
 *            own token over `claim`.
 *   lose     An owner that finds another token aborts its work with `storage_claimed`. It looks on every renewal,
 *            before entries in a journal (within a second of the last look) and before publication.
 *
 * A claim keeps two processes from doing the same work; it is not what keeps their bytes apart, since an owner can
 * stop for a minute between looking and writing. That is the work folder: its name carries the owner's token, and who
 * takes over renames it, so that every later step of the old owner that names a file fails. What an open file of the
 * old owner could still write to is not used any further: see open-staging.ts.
 */

export interface ClaimTimes {
  renewMs: number;
  staleMs: number;
}
export const CLAIM_TIMES: ClaimTimes = { renewMs: 10_000, staleMs: 60_000 };

export interface Claim {
  readonly token: string;
  /** The owner before, when this claim was taken from a process that is certainly dead. */
  readonly deadToken: string | null;
  /** Aborts with an AppError `storage_claimed` when another process took over. */
  readonly signal: AbortSignal;
  /** Throws AppError `storage_claimed` when another process took over. */
  assertOwned(): Promise<void>;
  /** Lets others have the folder at once. */
  release(): Promise<void>;
}

interface ClaimRecord {
  token: string;
  owner: ProcessIdentity | null;
}

/**
 * Claims a staging folder, which must exist.
 *
 * @throws AppError `storage_claimed` while another process works in it.
 */
export async function takeClaim(folder: string, times: ClaimTimes = CLAIM_TIMES): Promise<Claim> {
  const path = join(folder, "claim");
  const token = randomBytes(16).toString("hex");
  const owner = await ownIdentity();
  const mine = join(folder, `claim.${token}`);
  await writeFile(mine, JSON.stringify({ token, owner } satisfies ClaimRecord), { flag: "wx" });
  try {
    const deadToken = await place(mine, path, owner, times.staleMs);
    return hold(path, token, deadToken, times.renewMs);
  } finally {
    await unlink(mine).catch(ignoreMissing);
  }
}

/** Returns the token of the dead owner that was replaced, else null. */
async function place(
  mine: string,
  path: string,
  own: ProcessIdentity | null,
  staleMs: number,
): Promise<string | null> {
  for (;;) {
    try {
      await link(mine, path);
      return null;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") {
        throw error;
      }
    }
    const [held, before] = await Promise.all([readClaim(path), stat(path).catch(ignoreMissing)]);
    if (before === undefined) {
      // Released in between.
      continue;
    }
    const ageMs = Date.now() - before.mtimeMs;
    const dead = held !== null && (await isDead(held.owner, own));
    if (!dead && ageMs < staleMs) {
      throw claimed(staleMs - Math.max(ageMs, 0));
    }
    await rename(mine, path);
    return dead ? held.token : null;
  }
}

function hold(path: string, token: string, deadToken: string | null, renewMs: number): Claim {
  const lost = new AbortController();

  async function assertOwned(): Promise<void> {
    lost.signal.throwIfAborted();
    if ((await readClaim(path))?.token !== token) {
      lost.abort(claimed(null));
      lost.signal.throwIfAborted();
    }
  }

  async function renew(): Promise<void> {
    await assertOwned();
    const now = new Date();
    await utimes(path, now, now);
  }

  const timer = setInterval(() => {
    // A disk that fails shows in the work itself.
    renew().catch(() => {});
  }, renewMs);

  return {
    token,
    deadToken,
    signal: lost.signal,
    assertOwned,
    async release(): Promise<void> {
      clearInterval(timer);
      if ((await readClaim(path).catch(() => null))?.token === token) {
        await unlink(path).catch(ignoreMissing);
      }
    },
  };
}

/** Null when there is none, or none that can be read: it was made by nobody that works to this protocol. */
async function readClaim(path: string): Promise<ClaimRecord | null> {
  const text = await readFile(path, "utf8").catch(ignoreMissing);
  try {
    const record = JSON.parse(text ?? "") as Partial<ClaimRecord> | null;
    return typeof record?.token === "string"
      ? { token: record.token, owner: record.owner ?? null }
      : null;
  } catch {
    return null;
  }
}

function claimed(retryAfterMs: number | null): AppError {
  return new AppError("storage_claimed", retryAfterMs === null ? {} : { retryAfterMs });
}

function ignoreMissing(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code !== "ENOENT") {
    throw error;
  }
}
