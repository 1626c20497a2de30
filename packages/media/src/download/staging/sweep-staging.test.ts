import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openStaging } from "./open-staging.ts";
import { sweepStaging } from "./sweep-staging.ts";

const DAY_MS = 86_400_000;
let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "reelgate-sweep-"));
});

afterEach(async () => {
  await rm(root, { recursive: true });
});

/** Leaves a part behind, as a download that failed does. */
async function leave(name: string, agedMs: number): Promise<void> {
  const staging = await openStaging(root, name);
  await writeFile(join(staging.folder, "part"), "x");
  await staging[Symbol.asyncDispose]();
  const then = new Date(Date.now() - agedMs);
  for (const path of await readdir(root, { recursive: true })) {
    await utimes(join(root, path), then, then);
  }
}

test("what nobody took up for long is removed, what is young or worked on is not", async () => {
  await leave("old", 2 * DAY_MS);
  const kept = await readdir(root);
  await leave("young", DAY_MS / 2);
  const old = kept[0] ?? "";
  const aged = new Date(Date.now() - 2 * DAY_MS);
  for (const path of ["", "work-free", "work-free/part"]) {
    await utimes(join(root, old, path), aged, aged);
  }
  await using working = await openStaging(root, "working");
  expect(await sweepStaging(root, DAY_MS)).toBe(1);
  expect(await readdir(root)).toHaveLength(2);
  expect(await readdir(root)).not.toContain(old);
  await working.assertOwned();
});

test("what staging does not make is not touched, however old", async () => {
  const works = [
    "project/work-2023",
    "0123456789abcdef0123456789abcdef-old/work-free",
    "0123456789abcdef0123456789abcdef/work-2023",
  ];
  for (const work of works) {
    await mkdir(join(root, work), { recursive: true });
    await writeFile(join(root, work, "thesis.txt"), "x");
  }
  const then = new Date(0);
  for (const path of await readdir(root, { recursive: true })) {
    await utimes(join(root, path), then, then);
  }
  await sweepStaging(root, DAY_MS);
  const left = await readdir(root, { recursive: true });
  expect(left.filter((path) => path.endsWith("thesis.txt"))).toHaveLength(3);
});

test("a folder that is aged but claimed stays", async () => {
  await using working = await openStaging(root, "working");
  expect(await sweepStaging(root, -1)).toBe(0);
  await working.assertOwned();
});

test("no staging folder, nothing to sweep", async () => {
  expect(await sweepStaging(join(root, "none"), 0)).toBe(0);
});

test("what is left is taken over by the next owner of the name, and by no other", async () => {
  await leave("a", 0);
  await using other = await openStaging(root, "b");
  expect(await readdir(other.folder)).toEqual([]);
  await using next = await openStaging(root, "a");
  expect(await readdir(next.folder)).toEqual(["part"]);
  expect(next.isContested).toBe(false);
});
