import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * `npm test [-- <vitest arguments>]`: runs the tests and ends with a line `N passed, N failed`. It fails when a test
 * fails, when one was skipped, and when none ran.
 */
const folder = mkdtempSync(join(tmpdir(), "reelgate-test-"));
const report = join(folder, "report.json");
const vitest = spawn(
  join("node_modules", ".bin", "vitest"),
  [
    "run",
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${report}`,
    ...process.argv.slice(2),
  ],
  { stdio: "inherit" },
);
process.on("SIGINT", () => {});
for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => vitest.kill(signal));
vitest.once("error", (error) => {
  process.stderr.write(`reelgate: vitest cannot be run: ${error.message}\n`);
});
vitest.once("close", (code) => {
  const { passed, failed, skipped } = count(readReport());
  rmSync(folder, { recursive: true, force: true });
  if (skipped > 0) process.stdout.write(`${skipped} skipped: counted as failed\n`);
  // A run that broke off, or in which nothing ran, has failed though no test did.
  const brokeOff = failed + skipped === 0 && (code !== 0 || passed === 0);
  const failures = failed + skipped + (brokeOff ? 1 : 0);
  process.stdout.write(`${passed} passed, ${failures} failed\n`);
  process.exitCode = failures === 0 ? 0 : 1;
});

/**
 * A file that fails without a failed test (it cannot be loaded, a hook threw, it left a server running) is one
 * failure: vitest's own count of tests leaves it out.
 */
function count({ testResults }) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const file of testResults) {
    const states = file.assertionResults.map((test) => test.status);
    const failed = states.filter((state) => state === "failed").length;
    counts.passed += states.filter((state) => state === "passed").length;
    counts.failed += file.status === "failed" ? Math.max(failed, 1) : failed;
    counts.skipped += states.filter((state) => state !== "passed" && state !== "failed").length;
  }
  return counts;
}

function readReport() {
  try {
    return JSON.parse(readFileSync(report, "utf8"));
  } catch {
    return { testResults: [] };
  }
}
