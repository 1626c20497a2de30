import { spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { cleanEnv } from "@reelgate/testkit/clean-env";
import { afterEach, beforeEach, expect, test } from "vitest";

const LAUNCHER = fileURLToPath(new URL("..", import.meta.url));

let root = "";

/** A fresh clone as far as the set-up can see, with no package in it. */
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "reelgate-test-setup-"));
  for (const folder of ["apps", "packages", "tools/launcher", "bin"]) {
    mkdirSync(join(root, folder), { recursive: true });
  }
  for (const part of ["start.mjs", "run.mjs", "setup"]) {
    cpSync(join(LAUNCHER, part), join(root, "tools", "launcher", part), { recursive: true });
  }
  writeFileSync(join(root, "package.json"), JSON.stringify({ packageManager: "pnpm@12.21.0" }));
  writeFileSync(join(root, "pnpm-lock.yaml"), "");
  writeFileSync(join(root, "pnpm-workspace.yaml"), "");
});
afterEach(() => {
  rmSync(root, { recursive: true });
});

/** A program of this name in the PATH of the set-up. */
function program(name: string, script: string): void {
  const path = join(root, "bin", name);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
}

function run(
  script: string,
  ...args: string[]
): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [join(root, "tools", "launcher", script), ...args], {
    encoding: "utf8",
    env: cleanEnv({ PATH: join(root, "bin") }),
  });
}

test("without npx: one line that says what to install", () => {
  const result = run("start.mjs");
  expect(result.status).toBe(1);
  expect(result.stderr).toBe(
    "Installing dependencies ...\nreelgate: npx was not found. Install npm (it comes with Node from https://nodejs.org), then try again.\n",
  );
});

test.each([
  [
    "no network",
    "npm error code EAI_AGAIN",
    /^reelgate: The package registry cannot be reached \(.*EAI_AGAIN/mu,
  ],
  [
    "a full disk",
    "ENOSPC: no space left on device",
    /^reelgate: The disk is full\. The dependencies need about/mu,
  ],
  [
    "another failure",
    "ERR_PNPM_ODD  Something odd",
    /^reelgate: Installing the dependencies failed: ERR_PNPM_ODD/mu,
  ],
])("%s: one line, and the next run tries again", (_case, output, line) => {
  program("npx", `echo 'npm warn Unknown user config' >&2; echo '${output}' >&2; exit 1`);
  const result = run("run.mjs", "test");
  expect(result.status).toBe(1);
  expect(result.stderr).toMatch(line);
  expect(result.stderr.trim().split("\n")).toHaveLength(2);
  expect(existsSync(join(root, "node_modules", ".reelgate-setup"))).toBe(false);
  expect(existsSync(join(root, ".turbo", "setup.lock"))).toBe(false);
});

test("npx is asked for the pinned pnpm, outside the checkout, with the lock file as it is", () => {
  program("npx", 'echo "$PWD $*" >&2; exit 1');
  const { stderr } = run("start.mjs");
  expect(stderr).toContain(
    `${tmpdir()} --yes pnpm@12.21.0 --dir ${root} install --frozen-lockfile`,
  );
});

test("the lock of a set-up that was killed does not stop the next", () => {
  mkdirSync(join(root, ".turbo"));
  writeFileSync(join(root, ".turbo", "setup.lock"), String(2 ** 22 + 1));
  program("npx", "exit 1");
  expect(run("start.mjs").status).toBe(1);
  expect(existsSync(join(root, ".turbo", "setup.lock"))).toBe(false);
});

test("a checkout that cannot be written to is said to be such", () => {
  // Takes no file from anybody, root included.
  symlinkSync("/sys", join(root, ".turbo"));
  const result = run("start.mjs");
  expect(result.status).toBe(1);
  expect(result.stderr).toMatch(
    /^reelgate: This checkout cannot be written to \(.+\)\. Run the command as the owner of .+, or in a clone of your own\.\n$/u,
  );
});

test("an unknown command is answered with those that there are", () => {
  const result = run("run.mjs", "constructor");
  expect(result.status).toBe(1);
  expect(result.stderr).toBe(
    'reelgate: There is no command "constructor". The commands are test, check, simulate, media, reelgate, bench, chaos.\n',
  );
});

test("an installed workspace is built, and what is wrong with it is shown", () => {
  const bin = join(root, "node_modules", ".bin");
  mkdirSync(bin, { recursive: true });
  program(
    "npx",
    `ln -s ${process.execPath} ${join(bin, "node")}; cp ${join(root, "bin", "turbo")} ${bin}`,
  );
  program("turbo", "echo 'src/app.ts(1,1): error TS1005: expected'; exit 2");
  // The shell's own programs, for the two scripts above.
  const env = cleanEnv({ PATH: `${join(root, "bin")}:${dirname("/bin/sh")}:/usr/bin` });
  const result = spawnSync(process.execPath, [join(root, "tools/launcher/run.mjs"), "simulate"], {
    encoding: "utf8",
    env,
  });
  expect(result.status).toBe(1);
  expect(result.stderr).toMatch(/^Building \.\.\.$/mu);
  expect(result.stderr).toMatch(
    /^reelgate: The build failed: src\/app\.ts\(1,1\): error TS1005: expected$/mu,
  );
  expect(existsSync(join(root, "node_modules", ".reelgate-setup"))).toBe(true);
});
