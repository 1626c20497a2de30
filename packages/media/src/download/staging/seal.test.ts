import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { NOTHING_DECLARED } from "../../report/compare-declared.ts";
import { breakSeal, readSeal, type SealedCopy, type SealedFor, writeSeal } from "./seal.ts";

const SHA = "0".repeat(64);
const PURPOSE: SealedFor = {
  url: new URL("http://origin.example/a.mp4?sign=1"),
  declared: NOTHING_DECLARED,
};

let folder: string;
let sealed: SealedCopy;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "reelgate-seal-"));
  sealed = {
    container: "mp4",
    copy: { kind: "file", path: join(folder, "part"), sizeBytes: 5, sha256: SHA },
    report: {
      media: {
        container: "mp4",
        durationS: 1,
        durationIsExact: true,
        sizeBytes: 5,
        bitrateKbps: null,
        video: null,
        audio: null,
        hls: null,
      },
      findings: [],
    },
  };
  await writeFile(join(folder, "part"), "bytes");
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

test("a copy is sealed for one address and one set of claims", async () => {
  await writeSeal(folder, PURPOSE, sealed);
  expect(await readSeal(folder, PURPOSE)).toEqual(sealed);
  for (const url of ["http://origin.example/b.mp4?sign=1", "http://origin.example/a.mp4?sign=2"]) {
    expect(await readSeal(folder, { ...PURPOSE, url: new URL(url) })).toBeNull();
  }
  const declared = { ...NOTHING_DECLARED, sizeBytes: 5 };
  expect(await readSeal(folder, { ...PURPOSE, declared })).toBeNull();
  await breakSeal(folder);
  expect(await readSeal(folder, PURPOSE)).toBeNull();
});

test("no secret of an address is written down", async () => {
  await writeSeal(folder, PURPOSE, sealed);

  expect(await readFile(join(folder, "sealed.json"), "utf8")).not.toContain("sign=");
});

test("what stands in place of the copy is not taken for it", async () => {
  await writeSeal(folder, PURPOSE, sealed);
  await writeFile(join(folder, "part"), "more bytes");
  expect(await readSeal(folder, PURPOSE)).toBeNull();
  await writeFile(join(folder, "five"), "bytes");
  await rm(join(folder, "part"));
  await symlink(join(folder, "five"), join(folder, "part"));
  expect(await readSeal(folder, PURPOSE)).toBeNull();
  await rm(join(folder, "part"));
  expect(await readSeal(folder, PURPOSE)).toEqual(sealed);
});

test.each([
  { copy: null },
  { copy: undefined },
  { copy: { kind: "file", sizeBytes: 5, sha256: "x" } },
  { copy: { kind: "file", sizeBytes: -5, sha256: SHA } },
  { copy: { kind: "folder", sizeBytes: 5, sha256: SHA } },
  folderOf("../outside"),
  folderOf("a/b.ts"),
  folderOf(".hidden"),
  folderOf(""),
  { report: null },
  { report: { media: {}, findings: [] } },
  { report: { media: null, findings: [{}] } },
  { container: "avi" },
  { version: 1 },
  { url: null },
])("a seal with %j counts as none", async (changes) => {
  await writeSeal(folder, PURPOSE, { ...sealed, ...changes } as SealedCopy);
  expect(await readSeal(folder, PURPOSE)).toBeNull();
});

test.each(["", "{", "null", "[]", "1"])("a seal of the text %j counts as none", async (text) => {
  await writeFile(join(folder, "sealed.json"), text);
  expect(await readSeal(folder, PURPOSE)).toBeNull();
});

test("a folder is sealed with the names of its files", async () => {
  await mkdir(join(folder, "files"));
  const copy = folderOf("00000.ts").copy;
  await writeSeal(folder, PURPOSE, { ...sealed, copy: { ...copy, path: "" } });
  expect(await readSeal(folder, PURPOSE)).toEqual({
    ...sealed,
    copy: { ...copy, path: join(folder, "files") },
  });
});

function folderOf(name: string): { copy: Omit<SealedCopy["copy"] & { kind: "folder" }, "path"> } {
  return {
    copy: {
      kind: "folder",
      files: [{ name, sizeBytes: 5, sha256: SHA }],
      sizeBytes: 5,
      sha256: SHA,
    },
  };
}
