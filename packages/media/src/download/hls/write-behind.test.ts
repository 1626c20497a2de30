import { statSync } from "node:fs";
import { mkdtemp, open, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createWriteBehind } from "./write-behind.ts";

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "reelgate-write-behind-"));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

test("what was pushed is in the file, in its order, once it is settled", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 5000 })), async (pieces) => {
      await using handle = await open(join(folder, "pieces"), "w");
      const disk = createWriteBehind(handle);
      for (const piece of pieces) {
        await disk.push(piece);
      }
      await disk.settle();
      expect(await readFile(join(folder, "pieces"))).toEqual(Buffer.concat(pieces));
    }),
    { numRuns: 50 },
  );
});

test("a file is gone on with, and begun again", async () => {
  await using handle = await open(join(folder, "again"), "w");
  const disk = createWriteBehind(handle);
  await disk.push(Buffer.from("abcdef"));
  await disk.settle();
  disk.moveTo(3);
  await disk.push(Buffer.from("XY"));
  await disk.settle();
  expect(await readFile(join(folder, "again"), "utf8")).toBe("abcXYf");
});

test("bytes far ahead of the disk wait for it", async () => {
  await using handle = await open(join(folder, "large"), "w");
  const disk = createWriteBehind(handle);
  await disk.push(Buffer.alloc(1_000, 1));
  await disk.push(Buffer.alloc(14_000_000, 1));
  expect(statSync(join(folder, "large")).size).toBe(14_001_000);
});

test("an error of the disk is told by whatever comes next, again and again", async () => {
  await writeFile(join(folder, "read-only"), "");
  await using handle = await open(join(folder, "read-only"), "r");
  const disk = createWriteBehind(handle);
  await disk.push(Buffer.from("x"));
  await expect(disk.settle()).rejects.toMatchObject({ code: "EBADF" });
  await expect(disk.push(Buffer.from("y"))).rejects.toMatchObject({ code: "EBADF" });
  await expect(disk.settle()).rejects.toMatchObject({ code: "EBADF" });
});

test("nothing is written behind a hole, also when the disk takes bytes again", async () => {
  const path = join(folder, "hole");
  await using handle = await open(path, "w");
  let isFull = false;
  const disk = createWriteBehind({
    async write(bytes: Uint8Array, offset: number, length: number, position: number) {
      if (isFull) {
        throw Object.assign(new Error("no space"), { code: "ENOSPC" });
      }
      return await handle.write(bytes, offset, length, position);
    },
  });
  await disk.push(Buffer.from("abc"));
  await disk.settle();
  isFull = true;
  await disk.push(Buffer.from("def"));
  await expect(disk.settle()).rejects.toMatchObject({ code: "ENOSPC" });
  isFull = false;
  await expect(disk.push(Buffer.from("ghi"))).rejects.toMatchObject({ code: "ENOSPC" });
  await expect(disk.settle()).rejects.toMatchObject({ code: "ENOSPC" });
  expect(await readFile(path, "utf8")).toBe("abc");
});
