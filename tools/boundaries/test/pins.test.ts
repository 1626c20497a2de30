import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { REPOSITORY } from "./fixture-tree.ts";

const read = (file: string): string => readFileSync(join(REPOSITORY, file), "utf8");

interface Manifest {
  packageManager: string;
  devDependencies: Record<string, string>;
}

test("the pnpm that sets the workspace up is the pnpm that the workspace installs", () => {
  const manifest: Manifest = JSON.parse(read("package.json"));
  expect(manifest.packageManager).toBe(`pnpm@${manifest.devDependencies["pnpm"]}`);
});

test("root tools are pinned to exact versions", () => {
  const manifest: Manifest = JSON.parse(read("package.json"));
  const loose = Object.entries(manifest.devDependencies).filter(
    ([, range]) =>
      !/^(?:workspace:\*|(?:npm:(?:@[^/]+\/)?[^@]+@)?\d+\.\d+\.\d+(?:-[\w.]+)?)$/u.test(range),
  );
  expect(loose).toEqual([]);
});

// A lock file that names the host it was made with installs from there alone, or not at all.
test("the lock file names no host", () => {
  const lines = read("pnpm-lock.yaml").split("\n");
  expect(lines.length).toBeGreaterThan(1000);
  expect(lines.filter((line) => /https?:\/\/|git@|git\+|codeload\./u.test(line))).toEqual([]);
});
