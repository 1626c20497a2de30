import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { cruise } from "dependency-cruiser";
import type { ICruiseResult } from "dependency-cruiser";
import extractConfig from "dependency-cruiser/config-utl/extract-depcruise-config";
import { describe, expect, onTestFinished, test } from "vitest";
import { layOut, REPOSITORY, temporaryDirectory } from "./fixture-tree.ts";

const TREES = join(import.meta.dirname, "../fixtures/imports");

const { forbidden = [], options = {} } = await extractConfig(
  join(REPOSITORY, ".dependency-cruiser.mjs"),
);
const ruleNames = forbidden.map((rule) => String(rule.name));

/** Cruises a directory as if it were the repository, and holds the given rules against it. */
async function cruiseIn(
  dir: string,
  folders: string[],
  rules: typeof forbidden,
): Promise<ICruiseResult> {
  const { output } = await cruise(
    folders,
    { ...options, baseDir: dir, validate: true, ruleSet: { forbidden: rules } },
    options.enhancedResolveOptions,
  );
  if (typeof output === "string") throw new Error("dependency-cruiser gave a report, not a result");
  return output;
}

test("every rule has a tree that breaks it, and every tree a rule", () => {
  expect(readdirSync(TREES).toSorted()).toEqual(ruleNames.toSorted());
});

describe("the rule reports exactly the files that break it", () => {
  test.each(ruleNames)("%s", async (rule) => {
    const tree = layOut(join(TREES, rule), temporaryDirectory(onTestFinished));
    expect(tree.markedFiles).not.toEqual([]);

    const folders = readdirSync(tree.dir).filter((folder) => folder !== "node_modules");
    const { summary } = await cruiseIn(tree.dir, folders, forbidden);

    // No tree is a whole program, so most of its files are dead to the rule about that.
    const reported = summary.violations
      .map((violation) => ({ name: violation.rule.name, from: violation.from }))
      .filter(({ name }) => name === rule || name !== "no-dead-file")
      .map(({ name, from }) => `${name}: ${from}`);
    expect([...new Set(reported)].toSorted()).toEqual(
      tree.markedFiles.map((file) => `${rule}: ${file}`),
    );
  });
});

// These two read more than a fixture: on a busy machine a few seconds become many.
describe("the command of `npm run check`", { timeout: 60_000 }, () => {
  test("fails when a rule is broken", async () => {
    const tree = layOut(join(TREES, "nobody-imports-main"), temporaryDirectory(onTestFinished));
    const depcruise = promisify(execFile)(
      join(REPOSITORY, "node_modules/.bin/depcruise"),
      ["--config", join(REPOSITORY, ".dependency-cruiser.mjs"), "apps"],
      { cwd: tree.dir },
    );
    await expect(depcruise).rejects.toMatchObject({
      stdout: expect.stringContaining("nobody-imports-main"),
    });
  });

  // Without the compiler API of TypeScript 6, dependency-cruiser skips every .ts file and reports success.
  test("reads the TypeScript of the whole workspace and follows packages to their sources", async () => {
    const { scripts } = JSON.parse(readFileSync(join(REPOSITORY, "package.json"), "utf8"));
    const folders = String(scripts["check:boundaries"])
      .split(" ")
      .filter((word) => /^[a-z0-9]+$/u.test(word) && word !== "depcruise");
    expect(folders).toEqual(expect.arrayContaining(["apps", "packages", "tools", "e2e"]));

    const { modules, summary } = await cruiseIn(REPOSITORY, folders, []);

    expect(summary.totalCruised).toBeGreaterThan(0);
    const edges = modules.flatMap(({ source, dependencies }) =>
      dependencies.map(({ resolved }) => ({ from: source, to: resolved })),
    );
    for (const group of ["apps/", "packages/media/", "packages/simulator/", "tools/launcher/"]) {
      const toShared = edges.filter(
        ({ from, to }) => from.startsWith(group) && to.startsWith("packages/shared/src/"),
      );
      expect(toShared, `imports of shared in ${group}`).not.toEqual([]);
    }
  });
});
