import { readFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The root of the checkout, wherever it lies and whatever the working directory is. */
export const ROOT = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));

/** Where the workspace's own programs lie: the pinned Node 24 and pnpm among them. */
export const BIN = join(ROOT, "node_modules", ".bin");

/** Node 24 of the workspace. It exists once the dependencies are installed. */
export const NODE = join(BIN, "node");

/**
 * The environment in which everything runs after the installation: the workspace's programs come first, so that
 * `node`, `pnpm` and `turbo` are the pinned ones in every child and grandchild.
 */
export function workspaceEnv(extra = {}) {
  return { ...process.env, PATH: `${BIN}${delimiter}${process.env.PATH ?? ""}`, ...extra };
}

/** The version of pnpm that the root package.json pins, for example "12.21.0". */
export function pinnedPnpmVersion() {
  const manifest = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  const match = /^pnpm@(\d+\.\d+\.\d+)/u.exec(manifest.packageManager ?? "");
  if (match === null) throw new Error("package.json lacks packageManager: pnpm@<version>");
  return match[1];
}
