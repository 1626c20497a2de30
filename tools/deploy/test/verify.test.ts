import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { ROOT } from "./deploy-files.ts";

const SCRIPT = fileURLToPath(new URL("deploy/verify.sh", ROOT));
const bash = spawnSync("bash", ["-c", "type -p bash"], { encoding: "utf8" }).stdout.trim();

/** Runs the script where there is no container engine: with no program in the path at all, unless one is given. */
function verify(args: readonly string[], path = "/nowhere"): { code: number | null; out: string } {
  const { status, stdout, stderr } = spawnSync(bash, [SCRIPT, ...args], {
    encoding: "utf8",
    env: { PATH: path },
  });
  return { code: status, out: stdout + stderr };
}

it("says plainly that it was skipped where there is no engine, and fails for it if asked", () => {
  expect(verify([])).toEqual({
    code: 0,
    out: "SKIPPED: no container engine: docker is not installed\n",
  });
  expect(verify(["--require-engine"])).toMatchObject({ code: 3 });
});

it("refuses what it does not know, and helps", () => {
  expect(verify(["--no-such"])).toMatchObject({ code: 2 });
  expect(verify(["--count", "x"])).toMatchObject({ code: 2 });
  const help = verify(["--help"], process.env["PATH"]);
  expect(help.code).toBe(0);
  for (const word of ["--require-engine", "BUILD_NETWORK=host", "Exit codes:"]) {
    expect(help.out).toContain(word);
  }
});
