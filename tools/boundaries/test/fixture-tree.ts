import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** The repository that the gate guards. */
export const REPOSITORY: string = join(import.meta.dirname, "../../..");

/**
 * Keeps the fixtures out of sight of every tool that looks at the repository itself: they are wrong on purpose, and
 * some are named like tests.
 */
const SUFFIX = ".fixture";

/** Ends a line that must be reported. A tree proves by it what is reported and, by its absence, what is not. */
const MARK = "// breaks";

const TSCONFIG = JSON.stringify({
  compilerOptions: {
    strict: true,
    target: "es2024",
    module: "nodenext",
    types: [],
    noEmit: true,
    allowImportingTsExtensions: true,
  },
  include: ["**/*.ts"],
});

export interface FixtureTree {
  /** Looks like a checkout with its dependencies installed. */
  dir: string;
  /** Every marked line as `path:line`, sorted. */
  markedLines: string[];
  /** Every file with a marked line, sorted. */
  markedFiles: string[];
}

/** An empty directory that is gone when the test, or the file of tests, has finished. */
export function temporaryDirectory(whenFinished: (remove: () => void) => void): string {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), "reelgate-boundaries-")));
  whenFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** Lays a tree of fixtures out in a directory as a workspace of its own. */
export function layOut(tree: string, dir: string): FixtureTree {
  cpSync(tree, dir, { recursive: true });

  const files = readdirSync(dir, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(SUFFIX))
    .map((file) => file.slice(0, -SUFFIX.length))
    .toSorted();
  const markedLines: string[] = [];
  const npmPackages = new Set<string>();
  for (const file of files) {
    renameSync(join(dir, file + SUFFIX), join(dir, file));
    const text = readFileSync(join(dir, file), "utf8");
    for (const [index, line] of text.split("\n").entries()) {
      if (line.endsWith(MARK)) markedLines.push(`${file}:${index + 1}`);
    }
    for (const [, name] of text.matchAll(/from "((?:@[^/"]+\/)?[^./"][^/":]*)[^":]*"/gu)) {
      if (name !== undefined && !name.startsWith("@reelgate/")) npmPackages.add(name);
    }
  }
  install(dir, npmPackages);
  write(join(dir, "tsconfig.json"), TSCONFIG);
  return {
    dir,
    markedLines: markedLines.toSorted(),
    markedFiles: [...new Set(markedLines.map((line) => line.slice(0, line.lastIndexOf(":"))))],
  };
}

/** What a package manager would do: empty packages for the names that are imported, and links to the workspace's own. */
function install(dir: string, npmPackages: Set<string>): void {
  for (const name of npmPackages) {
    write(join(dir, "node_modules", name, "package.json"), JSON.stringify({ name }));
    write(join(dir, "node_modules", name, "index.js"), "");
    write(join(dir, "node_modules", name, "api.js"), "");
  }
  const dependencies = Object.fromEntries([...npmPackages].map((name) => [name, "*"]));
  for (const group of ["apps", "packages", "tools"]) {
    if (!existsSync(join(dir, group))) continue;
    for (const name of readdirSync(join(dir, group))) {
      const manifest = join(dir, group, name, "package.json");
      if (!existsSync(manifest)) {
        const exports = { "./*": { source: "./src/*.ts" } };
        write(manifest, JSON.stringify({ name: `@reelgate/${name}`, exports, dependencies }));
      }
      mkdirSync(join(dir, "node_modules/@reelgate"), { recursive: true });
      symlinkSync(join(dir, group, name), join(dir, "node_modules/@reelgate", name));
    }
  }
}

function write(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}
