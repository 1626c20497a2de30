import { readFileSync } from "node:fs";

const POLL_MS = 250;

/**
 * Calls `onLost` once when the npm that runs this command is gone.
 *
 * npm passes a signal on to the shell that it started, not to what runs in that shell; a killed npm passes on nothing.
 * Either way the command would go on without anyone left to stop it.
 *
 * @returns {() => void} ends the watch
 */
export function whenNpmIsLost(onLost) {
  const pids = npmAncestors();
  const timer = setInterval(() => {
    if (pids.every(isAlive) && (pids.length === 0 || process.ppid === pids[0])) return;
    clearInterval(timer);
    onLost();
  }, POLL_MS);
  timer.unref();
  return () => clearInterval(timer);
}

/** The shell that npm started, if there is one, and npm; none when the command was not run by npm. */
function npmAncestors() {
  if (!process.env.npm_lifecycle_event) return [];
  const parent = process.ppid;
  if (isNpm(parent)) return [parent];
  const grandparent = parentOf(parent);
  // Whoever else is up there, such as the user's shell, may end while the command runs on.
  return grandparent !== null && isNpm(grandparent) ? [parent, grandparent] : [parent];
}

function isNpm(pid) {
  return /npm/u.test(readProc(pid, "cmdline") ?? "");
}

function parentOf(pid) {
  const stat = readProc(pid, "stat");
  if (stat === null) return null;
  // Behind the name in parentheses, which may hold anything: state, parent.
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
}

/** Where there is no /proc, the parent alone is watched. */
function readProc(pid, file) {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
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
