import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./checkout.mjs";
import { SetupError } from "./setup-error.mjs";

const FOLDER = join(ROOT, ".turbo");
const LOCK = join(FOLDER, "setup.lock");
const POLL_MS = 250;
/** Longer than any installation over a slow network. */
const MAX_WAIT_MS = 600_000;

/**
 * Runs one set-up of this checkout at a time: `npm start` and `npm test` begun together on a fresh clone would both
 * install into the same node_modules and break each other. The lock of a process that is gone is taken over.
 */
export async function withSetupLock(work) {
  orExplain(() => mkdirSync(FOLDER, { recursive: true }));
  const deadlineMs = Date.now() + MAX_WAIT_MS;
  let told = false;
  while (!orExplain(tryLock)) {
    const owner = readOwner();
    if (owner === null || !isAlive(owner)) {
      removeStale(owner);
      continue;
    }
    if (Date.now() > deadlineMs) {
      throw new SetupError(
        `Another set-up of this checkout (process ${owner}) does not end. If that is no set-up, remove ${LOCK} and start again.`,
      );
    }
    if (!told) {
      process.stderr.write(`Waiting for another set-up of this checkout (process ${owner}) ...\n`);
      told = true;
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  const release = () => rmSync(LOCK, { force: true });
  process.once("exit", release);
  try {
    return await work();
  } finally {
    process.off("exit", release);
    release();
  }
}

const NOT_OURS = new Set(["EACCES", "EPERM", "EROFS"]);

function orExplain(step) {
  try {
    return step();
  } catch (error) {
    if (!NOT_OURS.has(error.code)) throw error;
    throw new SetupError(
      `This checkout cannot be written to (${error.message}). Run the command as the owner of ${ROOT}, or in a clone of your own.`,
    );
  }
}

/** A link appears with its content or not at all: no crash leaves a lock that names nobody. */
function tryLock() {
  const mine = `${LOCK}.${process.pid}`;
  writeFileSync(mine, String(process.pid));
  try {
    linkSync(mine, LOCK);
    return true;
  } catch (error) {
    if (error.code === "EEXIST") return false;
    throw error;
  } finally {
    rmSync(mine, { force: true });
  }
}

/**
 * Only one of several waiters gets to move the stale lock away. One that was slow, and moved a fresh lock instead, puts
 * it back.
 */
function removeStale(owner) {
  const aside = `${LOCK}.stale.${process.pid}`;
  try {
    renameSync(LOCK, aside);
  } catch {
    return;
  }
  if (ownerIn(aside) !== owner) {
    try {
      linkSync(aside, LOCK);
    } catch {
      // Somebody has a lock of their own by now.
    }
  }
  rmSync(aside, { force: true });
}

const readOwner = () => ownerIn(LOCK);

function ownerIn(file) {
  try {
    const pid = Number(readFileSync(file, "utf8"));
    return Number.isInteger(pid) && pid > 0 ? pid : null;
  } catch {
    return null;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}
