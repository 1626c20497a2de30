import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./checkout.mjs";

const FOLDER = join(ROOT, ".turbo");
const LOCK = join(FOLDER, "setup.lock");
const POLL_MS = 250;

/**
 * Runs one set-up of this checkout at a time: `npm start` and `npm test` begun together on a fresh clone would both
 * install into the same node_modules and break each other. The lock of a process that is gone is taken over.
 */
export async function withSetupLock(work) {
  mkdirSync(FOLDER, { recursive: true });
  let told = false;
  while (!tryLock()) {
    const owner = readOwner();
    if (owner !== null && !isAlive(owner)) {
      rmSync(LOCK, { force: true });
      continue;
    }
    if (!told && owner !== null) {
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

function tryLock() {
  try {
    writeFileSync(LOCK, String(process.pid), { flag: "wx" });
    return true;
  } catch (error) {
    if (error.code === "EEXIST") return false;
    throw error;
  }
}

function readOwner() {
  try {
    const pid = Number(readFileSync(LOCK, "utf8"));
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
