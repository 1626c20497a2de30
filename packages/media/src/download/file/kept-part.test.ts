import { mkdtemp, open, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Staging } from "../staging/open-staging.ts";
import { currentBootId } from "../staging/process-identity.ts";
import { type FileJournal, writeJournal } from "./file-journal.ts";
import { type KeptPart, keptPart } from "./kept-part.ts";

const URL_OF_FILE = new URL("http://origin.example/a.mp4?sign=1");

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "reelgate-kept-"));
  path = join(folder, "part");
  await writeFile(path, "0123456789");
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function journal(changes: Partial<FileJournal> = {}): Promise<void> {
  await writeJournal(folder, {
    url: "http://origin.example/a.mp4",
    version: { etag: '"a"', lastModified: null, totalSizeBytes: 100 },
    bootId: await currentBootId(),
    syncedBytes: 4,
    ...changes,
  });
}

async function kept(isContested = false): Promise<KeptPart> {
  const staging = { folder, isContested } as Staging;
  return await keptPart(URL_OF_FILE, staging, path);
}

test("all that was written counts while the machine stays up", async () => {
  await journal();
  expect(await kept()).toMatchObject({ bytes: 10, version: { etag: '"a"' } });
});

test.each([["another boot"], [null]])(
  "only what was flushed counts after a boot that is %s",
  async (bootId) => {
    await journal({ bootId });
    expect((await kept()).bytes).toBe(4);
  },
);

test("never more than the file has", async () => {
  await journal({ syncedBytes: 50, bootId: null });
  expect((await kept()).bytes).toBe(10);
  await journal({ version: { etag: '"a"', lastModified: null, totalSizeBytes: 7 } });
  expect((await kept()).bytes).toBe(7);
});

test.each([
  ["of another file", { url: "http://origin.example/b.mp4" }],
  [
    "that no validator proves",
    { version: { etag: 'W/"a"', lastModified: null, totalSizeBytes: 100 } },
  ],
])("a part %s is removed", async (_name, changes) => {
  await journal(changes);
  expect(await kept()).toEqual({ version: null, bytes: 0 });
  await expect(readFile(path)).rejects.toMatchObject({ code: "ENOENT" });
});

test("a whole file needs no validator", async () => {
  await journal({ version: { etag: null, lastModified: null, totalSizeBytes: 10 } });
  expect((await kept()).bytes).toBe(10);
});

test.each(["", "{", "null", "[]", '{"syncedBytes":1e99}', '{"syncedBytes":4}'])(
  "a journal of %j counts as none",
  async (text) => {
    await writeFile(join(folder, "journal.json"), text);
    expect(await kept()).toEqual({ version: null, bytes: 0 });
  },
);

test("an owner that is still there cannot write into what is kept of its file", async () => {
  await journal();
  const old = await open(path, "r+");
  expect((await kept(true)).bytes).toBe(4);
  await old.write("XXXXXXXXXX", 0);
  await old.close();
  expect(await readFile(path, "utf8")).toBe("0123");
});
