import { chmod, mkdir, mkdtemp, readdir, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { prepareStagingRoot } from "./staging-root.ts";

let folder: string;
let root: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "reelgate-root-"));
  root = join(folder, "storage", ".reelgate-staging");
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function modeOf(path: string): Promise<string> {
  return ((await stat(path)).mode & 0o777).toString(8);
}

test("the staging folder is for this user alone, and made once", async () => {
  await prepareStagingRoot(root);
  await prepareStagingRoot(root);
  expect(await modeOf(root)).toBe("700");
  expect(await readdir(root)).toEqual([]);
});

test("a folder that everybody may write to is refused, even a sticky one", async () => {
  await mkdir(root, { recursive: true });
  for (const mode of [0o777, 0o1777, 0o702]) {
    await chmod(root, mode);
    await expect(prepareStagingRoot(root)).rejects.toMatchObject({ code: "storage_refused" });
  }
});

test("a folder that the group may write to is closed to it", async () => {
  await mkdir(root, { recursive: true });
  await chmod(root, 0o2770);
  await prepareStagingRoot(root);
  expect(await modeOf(root)).toBe("700");
});

test("a symbolic link or a file in its place is refused", async () => {
  const other = join(folder, "other");
  await mkdir(other);
  await mkdir(join(folder, "storage"));
  await symlink(other, root);
  await expect(prepareStagingRoot(root)).rejects.toMatchObject({ code: "storage_refused" });
  expect(await readdir(other)).toEqual([]);
  await rm(root);
  await writeFile(root, "");
  await expect(prepareStagingRoot(root)).rejects.toMatchObject({ code: "storage_refused" });
});
