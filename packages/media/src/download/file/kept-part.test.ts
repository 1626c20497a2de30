import { link, mkdtemp, open, readFile, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { FileVersion } from "../../http/file-version.ts";
import type { Staging } from "../staging/open-staging.ts";
import { currentBootId } from "../staging/process-identity.ts";
import { addressHash } from "../address.ts";
import { type FileJournal, writeJournal } from "./file-journal.ts";
import { type KeptPart, keptPart } from "./kept-part.ts";

const URL_OF_FILE = new URL("http://origin.example/a.mp4?sign=1");

const KNOWN = { url: "http://origin.example/a.mp4", addressHash: "", bootId: null };
const NULL_VERSION = JSON.stringify({ ...KNOWN, version: null, syncedBytes: 3 });
const NEGATIVE = JSON.stringify({
  ...KNOWN,
  version: { etag: '"a"', lastModified: null, totalSizeBytes: null },
  syncedBytes: -5,
});

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
    addressHash: addressHash(URL_OF_FILE),
    version: { etag: '"a"', lastModified: null, totalSizeBytes: 100 },
    bootId: await currentBootId(),
    syncedBytes: 4,
    ...changes,
  });
}

/** `current`: what the origin says now, where that differs from the file that the journal knows. */
async function kept(
  isContested = false,
  current: Partial<FileVersion> = {},
  url: URL = URL_OF_FILE,
): Promise<KeptPart> {
  const staging = { folder, isContested } as Staging;
  const said = { etag: '"a"', lastModified: null, totalSizeBytes: null, ...current };
  return await keptPart(url, said, staging, path);
}

test("all that was written counts while the machine stays up", async () => {
  await journal();
  expect(await kept()).toMatchObject({ bytes: 10, version: { etag: '"a"' } });
});

test("a part that has a second name, which is a published one, is added to as a file of its own", async () => {
  const published = join(folder, "published.mp4");
  await link(path, published);
  await journal();
  expect((await kept()).bytes).toBe(10);
  await truncate(path, 3);
  expect(await readFile(published, "utf8")).toBe("0123456789");
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

describe("a whole file", () => {
  const WHOLE = { etag: '"a"', lastModified: null, totalSizeBytes: 10 };
  const NAMELESS = { etag: null, lastModified: null, totalSizeBytes: 10 };
  const RESIGNED = new URL("http://origin.example/a.mp4?sign=2");

  test("is kept while the origin says that it has this version, under whatever query", async () => {
    await journal({ version: WHOLE });
    expect((await kept(false, WHOLE)).bytes).toBe(10);
    expect((await kept(false, WHOLE, RESIGNED)).bytes).toBe(10);
  });

  test.each([
    [{ ...WHOLE, etag: '"b"' }],
    [{ ...WHOLE, totalSizeBytes: 11 }],
    [{ ...WHOLE, etag: null }],
  ])("is not the file of an origin that says %j", async (current) => {
    await journal({ version: WHOLE });
    expect((await kept(false, current)).bytes).toBe(0);
  });

  test("without a validator counts under the very address and size alone", async () => {
    await journal({ version: NAMELESS });
    expect((await kept(false, NAMELESS)).bytes).toBe(10);
    expect((await kept(false, NAMELESS, RESIGNED)).bytes).toBe(0);
    await writeFile(path, "0123456789");
    expect((await kept(false, { ...NAMELESS, totalSizeBytes: 11 })).bytes).toBe(0);
  });
});

test("a symbolic link is no part", async () => {
  await journal();
  await writeFile(join(folder, "secret"), "secret");
  await rm(path);
  await symlink(join(folder, "secret"), path);
  expect(await kept()).toEqual({ version: null, bytes: 0 });
  expect(await readFile(join(folder, "secret"), "utf8")).toBe("secret");
});

test.each([
  "",
  "{",
  "null",
  "[]",
  '{"syncedBytes":1e99}',
  '{"syncedBytes":4}',
  NULL_VERSION,
  NEGATIVE,
])("a journal of %j counts as none", async (text) => {
  await writeFile(join(folder, "journal.json"), text);
  expect(await kept()).toEqual({ version: null, bytes: 0 });
});

test("an owner that is still there cannot write into what is kept of its file", async () => {
  await journal();
  const old = await open(path, "r+");
  expect((await kept(true)).bytes).toBe(4);
  await old.write("XXXXXXXXXX", 0);
  await old.close();
  expect(await readFile(path, "utf8")).toBe("0123");
});
