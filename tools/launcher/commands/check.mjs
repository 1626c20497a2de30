import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** `npm run check`: every `check:*` script of package.json, one line for each; fails when any of them does. */
const { scripts } = JSON.parse(readFileSync("package.json", "utf8"));
const names = Object.keys(scripts).filter((name) => name.startsWith("check:"));
let failed = 0;
for (const name of names) {
  const startedAtMs = Date.now();
  // The shell, since a script is a line of shell; the workspace's programs are in PATH already.
  const { status, stdout, stderr } = spawnSync("sh", ["-c", scripts[name]], {
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  });
  const seconds = ((Date.now() - startedAtMs) / 1000).toFixed(1);
  if (status !== 0) {
    failed += 1;
    process.stdout.write(`${stdout}${stderr}`);
  }
  process.stdout.write(`${status === 0 ? "ok    " : "FAILED"} ${name} (${seconds} s)\n`);
}
process.stdout.write(`${names.length - failed} checks passed, ${failed} failed\n`);
process.exitCode = failed === 0 && names.length > 0 ? 0 : 1;
