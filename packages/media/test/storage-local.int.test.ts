import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createLocalFolderStorage } from "../src/storage/local-folder.ts";
import type { StagedCopy, Storage } from "../src/storage/storage.ts";
import { onDisk } from "../src/storage/storage-errors.ts";
import { filesBelow, sha256 } from "./download-setup.ts";

const NAME = "app/live/room/20261123-0";
const going = new AbortController().signal;

let root: string;
let storage: Storage;
let staging: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "reelgate-local-"));
  storage = createLocalFolderStorage(root);
  staging = join(storage.stagingRoot, "0", "work-1");
  await mkdir(staging, { recursive: true });
});

afterEach(async () => {
  await rm(root, { recursive: true });
});

async function stageFile(bytes: Uint8Array): Promise<StagedCopy> {
  const path = join(staging, "part");
  await rm(path, { force: true });
  await writeFile(path, bytes);
  return { kind: "file", path, sizeBytes: bytes.length, sha256: sha256(bytes) };
}

async function stageFolder(contents: Record<string, Uint8Array>): Promise<StagedCopy> {
  const path = join(staging, "files");
  await mkdir(join(path, "sub"), { recursive: true });
  const files = [];
  for (const [name, bytes] of Object.entries(contents)) {
    await writeFile(join(path, name), bytes);
    files.push({ name, sizeBytes: bytes.length, sha256: sha256(bytes) });
  }
  const sizeBytes = files.reduce((sum, file) => sum + file.sizeBytes, 0);
  return { kind: "folder", path, files, sizeBytes, sha256: "" };
}

const SEGMENTS = { "00000.ts": randomBytes(500), "sub/a.ts": randomBytes(10) };

describe.each([
  ["file", `${NAME}.mp4`, async (seed: string) => await stageFile(Buffer.from(seed))],
  [
    "folder",
    NAME,
    async (seed: string) => await stageFolder({ ...SEGMENTS, "index.m3u8": Buffer.from(seed) }),
  ],
] as const)("a copy that is a %s", (_kind, name, stage) => {
  test("gets its name, and its URL names it", async () => {
    const { url } = await storage.publish(await stage("a"), name, { signal: going });
    expect(url).toBe(`file://${root}/${name}`);
    const { published } = await filesBelow(root);
    expect(published.every((file) => file.startsWith(name))).toBe(true);
  });

  test("that has its name already counts as stored, with or without its staged files", async () => {
    const copy = await stage("a");
    await storage.publish(copy, name, { signal: going });
    await storage.publish(copy, name, { signal: going });
    await storage.publish(await stage("a"), name, { signal: going });
    await rm(staging, { recursive: true });
    await storage.publish(copy, name, { signal: going });
    expect((await filesBelow(root)).published.length).toBeGreaterThan(0);
  });

  test("never replaces another one", async () => {
    await storage.publish(await stage("a"), name, { signal: going });
    const before = (await filesBelow(root)).published;
    for (const other of ["b", "longer"]) {
      await expect(
        storage.publish(await stage(other), name, { signal: going }),
      ).rejects.toMatchObject({ code: "storage_conflict", retryable: false });
    }
    expect((await filesBelow(root)).published).toEqual(before);
    const text = name.endsWith(".mp4") ? name : `${name}/index.m3u8`;
    expect(await readFile(join(root, text), "utf8")).toBe("a");
  });

  test("that is published ten times at once is there once, whole", async () => {
    const copy = await stage("a");
    await storage.publish(copy, name, { signal: going });
    await rm(join(root, name), { recursive: true });
    await stage("a");
    const results = await Promise.allSettled(
      Array.from({ length: 10 }, () => storage.publish(copy, name, { signal: going })),
    );
    expect(results.filter(({ status }) => status === "fulfilled").length).toBeGreaterThan(0);
    for (const result of results) {
      expect(result).not.toMatchObject({ reason: { code: "storage_conflict" } });
    }
  });

  test("whose staged files are gone and that is not there is no success", async () => {
    const copy = await stage("a");
    await rm(staging, { recursive: true });
    await expect(storage.publish(copy, name, { signal: going })).rejects.toMatchObject({
      code: "storage_unavailable",
    });
  });

  test("is not published after a shutdown", async () => {
    const reason = new Error("shutdown");
    await expect(
      storage.publish(await stage("a"), name, { signal: AbortSignal.abort(reason) }),
    ).rejects.toBe(reason);
    expect((await filesBelow(root)).published).toEqual([]);
  });
});

test("a file in the way of a folder, and one more file in a folder, are conflicts", async () => {
  await mkdir(join(root, "app/live/room"), { recursive: true });
  await writeFile(join(root, NAME), "x");
  const copy = await stageFolder(SEGMENTS);
  await expect(storage.publish(copy, NAME, { signal: going })).rejects.toMatchObject({
    code: "storage_conflict",
  });
  await rm(join(root, NAME));
  await storage.publish(copy, NAME, { signal: going });
  await writeFile(join(root, NAME, "more"), "x");
  await expect(
    storage.publish(await stageFolder(SEGMENTS), NAME, { signal: going }),
  ).rejects.toMatchObject({ code: "storage_conflict" });
});

test("a part of the name that is a file is refused, with what to do", async () => {
  await writeFile(join(root, "app"), "x");
  await expect(
    storage.publish(await stageFile(Buffer.from("a")), NAME, { signal: going }),
  ).rejects.toMatchObject({ code: "storage_refused", message: expect.stringContaining(root) });
});

test("for real: a disk without room is full", async () => {
  await expect(onDisk("/dev", () => writeFile("/dev/full", "x"))).rejects.toMatchObject({
    code: "storage_full",
    message: expect.stringContaining("make room"),
  });
});

test.each([
  ["ENOSPC", "storage_full"],
  ["EDQUOT", "storage_full"],
  ["EACCES", "storage_refused"],
  ["EROFS", "storage_refused"],
  ["EIO", "storage_unavailable"],
  ["ESTALE", "storage_unavailable"],
])("%s is %s", async (code, expected) => {
  const failure = Object.assign(new Error(code), { errno: -1, code });
  await expect(onDisk("/x", () => Promise.reject(failure))).rejects.toMatchObject({
    code: expected,
    cause: failure,
  });
});
