import { execFile } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { layOut, REPOSITORY } from "./fixture-tree.ts";

const TREES = join(import.meta.dirname, "../fixtures/lint");

/** What `oxlint --format=json` prints, as far as it is read here. */
interface Report {
  diagnostics: {
    /** As in `import(no-cycle)`. */
    code: string;
    filename: string;
    labels: { span: { line: number } }[];
  }[];
}

/** Lints a directory with the repository's configuration, as if the directory were the repository. */
async function lint(dir: string): Promise<Report["diagnostics"]> {
  const config = JSON.parse(readFileSync(join(REPOSITORY, ".oxlintrc.json"), "utf8"));
  config.jsPlugins = config.jsPlugins.map((plugin: string) => join(REPOSITORY, plugin));
  writeFileSync(join(dir, ".oxlintrc.json"), JSON.stringify(config));

  const entries = readdirSync(dir).filter((entry) => entry !== "node_modules");
  const oxlint = join(REPOSITORY, "node_modules/.bin/oxlint");
  const { stdout } = await promisify(execFile)(
    oxlint,
    ["--type-aware", "--format=json", ...entries],
    {
      cwd: dir,
    },
  ).catch((failure: { stdout: string }) => failure);
  const report: Report = JSON.parse(stdout);
  return report.diagnostics;
}

const rules = readdirSync(TREES).flatMap((plugin) =>
  readdirSync(join(TREES, plugin)).map((rule) => [plugin, rule] as const),
);

test.each(rules)("%s(%s) reports exactly the lines that break it", async (plugin, rule) => {
  const tree = layOut(join(TREES, plugin, rule));
  expect(tree.markedLines).not.toEqual([]);

  const diagnostics = await lint(tree.dir);

  const reported = diagnostics
    .filter(({ code }) => code === `${plugin}(${rule})`)
    .map(({ filename, labels }) => `${filename}:${labels[0]?.span.line}`);
  expect([...new Set(reported)].toSorted()).toEqual(tree.markedLines);
});
