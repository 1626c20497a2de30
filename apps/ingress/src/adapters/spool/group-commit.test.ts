import { mkdtemp, open, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { GroupCommit } from "./group-commit.ts";
import type { SyncedFile } from "./group-commit.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "reelgate-commit-"));
});
afterAll(() => rm(folder, { recursive: true }));

test("those that come while a flush is under way share the next one", async () => {
  await using file = await open(join(folder, "shared"), "w");
  let flushes = 0;
  const counted: SyncedFile = {
    write: file.write.bind(file),
    datasync: async () => {
      flushes += 1;
      await file.datasync();
    },
  };
  const commit = new GroupCommit(counted);
  await Promise.all(
    Array.from({ length: 100 }, (_, index) => commit.append(Buffer.from(`${index} `))),
  );
  expect(flushes).toBe(2);
  const expected = Array.from({ length: 100 }, (_, index) => `${index} `).join("");
  expect(await readFile(join(folder, "shared"), "utf8")).toBe(expected);
});

test("a disk that takes a part of each write gets all of it", async () => {
  await using file = await open(join(folder, "partial"), "w");
  const commit = new GroupCommit({
    write: (async (bytes: Buffer, offset: number) =>
      await file.write(bytes, offset, Math.min(3, bytes.length - offset))) as SyncedFile["write"],
    datasync: file.datasync.bind(file),
  });
  await Promise.all([commit.append(Buffer.from("hello ")), commit.append(Buffer.from("world"))]);
  expect(await readFile(join(folder, "partial"), "utf8")).toBe("hello world");
});

test("after a failed flush nothing is taken any more, though the disk would take it", async () => {
  await using file = await open(join(folder, "failed"), "w");
  let fails = true;
  const commit = new GroupCommit({
    write: file.write.bind(file),
    datasync: async () => {
      if (fails) throw Object.assign(new Error("input/output error"), { code: "EIO" });
      await file.datasync();
    },
  });
  const first = commit.append(Buffer.from("first"));
  const second = commit.append(Buffer.from("second"));
  await expect(first).rejects.toMatchObject({ code: "EIO" });
  fails = false;
  await expect(second).rejects.toMatchObject({ code: "EIO" });
  await expect(commit.append(Buffer.from("third"))).rejects.toMatchObject({ code: "EIO" });
  expect(commit.hasFailed).toBe(true);
});
