import { createHash } from "node:crypto";
import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BIN, NODE, ROOT, pinnedPnpmVersion, workspaceEnv } from "./checkout.mjs";
import { step } from "./progress.mjs";
import { lastReason, runQuietly } from "./run-quietly.mjs";
import { SetupError } from "./setup-error.mjs";

const STAMP = join(ROOT, "node_modules", ".reelgate-setup");

/**
 * Installs the workspace's dependencies unless they are those of the lock file already.
 *
 * The stamp names what was installed; it is removed first and written last, so an installation that was interrupted
 * is repeated.
 */
export async function installDependencies() {
  const wanted = fingerprint();
  if (readStamp() === wanted) return;
  rmSync(STAMP, { force: true });
  await step("Installing dependencies", async () => {
    const [command, ...args] = await pnpmCommand();
    const { code, output } = await runQuietly(
      command,
      [...args, "--dir", ROOT, "install", "--frozen-lockfile", "--reporter=append-only"],
      {
        // Outside the checkout: npx prefers a half-installed pnpm of the checkout to a whole one of its cache.
        cwd: tmpdir(),
        env: installEnv(),
      },
    );
    if (code !== 0) throw new SetupError(explainInstallFailure(command, code, output));
  });
  const { code, output } = await runQuietly(NODE, ["--version"]);
  if (code !== 0) {
    throw new SetupError(
      `The pinned Node (${NODE}) does not run on this machine (${lastReason(output)}). It needs glibc 2.28 or macOS 13.`,
    );
  }
  writeFileSync(STAMP, wanted);
}

/** The pnpm of the workspace when it is whole and the pinned one (then no network is needed), else one from npx. */
async function pnpmCommand() {
  const version = pinnedPnpmVersion();
  const local = join(BIN, "pnpm");
  if (existsSync(local)) {
    const { code, output } = await runQuietly(local, ["--version"], {
      cwd: tmpdir(),
      env: installEnv(),
    });
    if (code === 0 && output.trim().endsWith(version)) return [local];
  }
  return ["npx", "--yes", `pnpm@${version}`];
}

function installEnv() {
  return workspaceEnv({
    // Without a terminal pnpm refuses to replace node_modules unless it believes to be in CI.
    CI: "true",
    // A user's npm may be told to skip install scripts; the pinned pnpm is put in place by one.
    npm_config_ignore_scripts: "false",
    // npm run exports this for its own checks; pnpm and npx warn about it.
    npm_config_verify_deps_before_run: "false",
  });
}

function explainInstallFailure(command, code, output) {
  if (code === null && /ENOENT/u.test(output)) {
    return `${command} was not found. Install npm (it comes with Node from https://nodejs.org), then try again.`;
  }
  if (
    /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ECONNRESET|ENETUNREACH|ERR_PNPM_META_FETCH_FAIL|error sending request|dns error/iu.test(
      output,
    )
  ) {
    return `The package registry cannot be reached (${lastReason(output)}). Check the network or npm's registry and proxy settings, then try again.`;
  }
  if (/ENOSPC|no space left/iu.test(output)) {
    return "The disk is full. The dependencies need about 700 MB; free some space, then try again.";
  }
  if (/OUTDATED_LOCKFILE/u.test(output)) {
    return "pnpm-lock.yaml does not fit the package.json files. Run `pnpm install` and commit the lock file.";
  }
  return `Installing the dependencies failed: ${lastReason(output)}`;
}

/** What decides which packages are installed: the lock file, the manifests, and the platform. */
function fingerprint() {
  const hash = createHash("sha256").update(`${process.platform} ${process.arch}\n`);
  for (const file of [
    "pnpm-lock.yaml",
    "pnpm-workspace.yaml",
    "package.json",
    ...memberManifests(),
  ]) {
    hash.update(`${file}\n`).update(readFileSync(join(ROOT, file)));
  }
  return hash.digest("hex");
}

function memberManifests() {
  const manifests = ["e2e/package.json", "bench/package.json", "chaos/package.json"];
  for (const folder of ["apps", "packages", "tools"]) {
    for (const name of readdirSync(join(ROOT, folder)).sort()) {
      manifests.push(`${folder}/${name}/package.json`);
    }
  }
  return manifests.filter((file) => existsSync(join(ROOT, file)));
}

function readStamp() {
  try {
    return readFileSync(STAMP, "utf8");
  } catch {
    return null;
  }
}
