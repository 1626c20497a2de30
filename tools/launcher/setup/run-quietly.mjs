import { spawn } from "node:child_process";

const running = new Set();
const KEPT_OUTPUT_CHARS = 200_000;

/**
 * Runs a program without showing what it prints, and gives its exit code and the end of its output.
 *
 * Each program gets its own process group: npx and turbo start programs of their own, and an interrupted set-up must
 * leave none of them running, so the group is what is stopped.
 *
 * @returns {Promise<{ code: number | null, output: string }>} code is null when the program could not be started
 *   (output then says why) or was killed.
 */
export function runQuietly(command, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
      ...options,
    });
    running.add(child);
    let output = "";
    const keep = (chunk) => {
      output = (output + chunk).slice(-KEPT_OUTPUT_CHARS);
    };
    child.stdout.setEncoding("utf8").on("data", keep);
    child.stderr.setEncoding("utf8").on("data", keep);
    child.once("error", (error) => {
      running.delete(child);
      resolve({ code: null, output: error.message });
    });
    child.once("close", (code) => {
      running.delete(child);
      resolve({ code, output });
    });
  });
}

/** Stops every program that `runQuietly` still has running, with what it started. */
export function stopRunning() {
  for (const child of running) {
    try {
      process.kill(-child.pid, "SIGTERM");
    } catch {
      // The group ended by itself between the check and the signal.
    }
  }
}

/** The last line with something in it that looks like a reason; for the one line that the user gets to see. */
export function lastReason(output) {
  const lines = output
    // eslint-disable-next-line no-control-regex -- colour codes are control characters
    .replaceAll(/\u001b\[[0-9;]*m/gu, "")
    .split(/\r?\n/u)
    .map((line) => line.trim())
    .filter((line) => line !== "" && !/^npm (?:warn|notice)/iu.test(line));
  const telling = lines.filter((line) =>
    /err|fail|cannot|unable|not found|denied|no space/iu.test(line),
  );
  return (
    telling.find((line) => /ERR_|error/iu.test(line)) ??
    telling.at(-1) ??
    lines.at(-1) ??
    "no output"
  ).slice(0, 300);
}
