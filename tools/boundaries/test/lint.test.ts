import { execFile } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { layOut, REPOSITORY, temporaryDirectory } from "./fixture-tree.ts";

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

/** Each rule by plugin and name: its tree is `<plugin>/<rule>`. */
const rules = readdirSync(TREES).flatMap((plugin) =>
  readdirSync(join(TREES, plugin)).map((rule) => [plugin, rule] as const),
);

const dir = temporaryDirectory(afterAll);
const markedLines = new Map<string, string[]>();
let report: Report;

// One run for all: starting the type checker costs more than linting the trees. Each tree has the repository's
// configuration at its own root, so that the paths in the configuration mean the same as in the repository.
beforeAll(async () => {
  const { options, ...config } = JSON.parse(
    readFileSync(join(REPOSITORY, ".oxlintrc.json"), "utf8"),
  );
  config.jsPlugins = config.jsPlugins.map((plugin: string) => join(REPOSITORY, plugin));
  // Only a configuration at the root may have options.
  writeFileSync(join(dir, ".oxlintrc.json"), JSON.stringify({ options }));
  for (const [plugin, rule] of rules) {
    const tree = join(plugin, rule);
    const { markedLines: lines } = layOut(join(TREES, tree), join(dir, tree));
    markedLines.set(tree, lines);
    writeFileSync(join(dir, tree, ".oxlintrc.json"), JSON.stringify(config));
  }

  const oxlint = join(REPOSITORY, "node_modules/.bin/oxlint");
  const { stdout } = await promisify(execFile)(
    oxlint,
    ["--type-aware", "--format=json", "--ignore-pattern=**/node_modules/**"],
    { cwd: dir },
  ).catch((failure: { stdout: string }) => failure);
  report = JSON.parse(stdout);
}, 60_000);

test.each(rules)("%s(%s) reports exactly the lines that break it", (plugin, rule) => {
  const tree = join(plugin, rule);
  const reported = report.diagnostics
    .filter(({ code, filename }) => code === `${plugin}(${rule})` && filename.startsWith(tree))
    .map(({ filename, labels }) => `${filename.slice(tree.length + 1)}:${labels[0]?.span.line}`);

  expect(markedLines.get(tree)).not.toEqual([]);
  expect([...new Set(reported)].toSorted()).toEqual(markedLines.get(tree));
});
