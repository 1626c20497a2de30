import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./checkout.mjs";
import { findProgram } from "./find-program.mjs";
import { step } from "./progress.mjs";
import { rootPrefix } from "./root-prefix.mjs";
import { lastReason, runQuietly } from "./run-quietly.mjs";
import { SetupError } from "./setup-error.mjs";

const CACHE = join(ROOT, "node_modules", ".cache", "reelgate");

/**
 * Where the tests find promtool when the machine has none. Of the package only this one program is taken: an
 * installation would bring a Prometheus that Debian starts as a service at once.
 */
const CACHED = join(CACHE, "promtool");

/** Run in an empty folder; the lists of packages are renewed only when they are missing or too old. */
const aptScript = (root) => `
set -e
apt-get download -q prometheus || { ${root} apt-get update -q; apt-get download -q prometheus; }
dpkg-deb --fsys-tarfile prometheus_*.deb | tar -xf - ./usr/bin/promtool
./usr/bin/promtool --version
mv usr/bin/promtool ../promtool
`;

const ADVICE =
  "Install promtool, which checks the alerts (it comes with Prometheus; Debian, Ubuntu: `apt-get install prometheus`; Fedora: `dnf install golang-github-prometheus`; macOS: `brew install prometheus`).";

/** Makes sure that the tests find promtool: the machine's own, or one under node_modules. */
export async function ensurePromtool() {
  if (existsSync(CACHED) || findProgram(["promtool"]) !== null) return;
  const { code, output } = await step("Getting promtool", install);
  if (code !== 0) {
    throw new SetupError(`promtool could not be had (${lastReason(output)}). ${ADVICE}`);
  }
}

async function install() {
  if (findProgram(["apt-get"]) !== null && findProgram(["dpkg-deb"]) !== null) {
    const root = (await rootPrefix()) ?? [];
    mkdirSync(CACHE, { recursive: true });
    const cwd = mkdtempSync(join(CACHE, "promtool-"));
    try {
      return await runQuietly("sh", ["-c", aptScript(root.join(" "))], { cwd });
    } finally {
      rmSync(cwd, { recursive: true, force: true });
    }
  }
  if (findProgram(["brew"]) !== null) return await runQuietly("brew", ["install", "prometheus"]);
  if (findProgram(["apk"]) !== null) {
    const root = (await rootPrefix()) ?? [];
    const [command, ...args] = [...root, "apk", "add", "--no-cache", "prometheus"];
    return await runQuietly(command, args);
  }
  return { code: null, output: "no package manager that has it" };
}
