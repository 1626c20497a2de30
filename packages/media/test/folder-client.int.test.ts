import { once } from "node:events";
import { chmod, mkdir, mkdtemp, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { MediaClient } from "../src/http/media-client.ts";
import type { MediaResponse } from "../src/http/media-response.ts";
import { createFolderClient } from "../src/source/folder-client.ts";

const CONTENT = Buffer.from(Array.from({ length: 200_000 }, (_, index) => index % 251));

let outside: string;
let root: string;
let client: MediaClient;

beforeAll(async () => {
  outside = await mkdtemp(join(tmpdir(), "reelgate-folder-"));
  root = join(outside, "root");
  await mkdir(join(root, "deep/er"), { recursive: true });
  await mkdir(join(outside, "root-twin"));
  await writeFile(join(root, "a.bin"), CONTENT);
  await writeFile(join(root, "empty.bin"), "");
  await writeFile(join(root, "deep/er/%41 #ä?.bin"), "odd");
  await writeFile(join(outside, "secret.bin"), "secret");
  await writeFile(join(outside, "root-twin/secret.bin"), "secret");
  await symlink(join(outside, "secret.bin"), join(root, "link-out.bin"));
  await symlink("..", join(root, "folder-out"));
  await symlink("a.bin", join(root, "link-in.bin"));
  await symlink("loop.bin", join(root, "loop.bin"));
  client = createFolderClient(root);
});

afterAll(async () => {
  await client.close();
  await rm(outside, { recursive: true });
});

const urlOf = (path: string): string => pathToFileURL(join(root, path)).href;

async function bodyOf(response: MediaResponse): Promise<Buffer> {
  return await buffer(response.body);
}

describe("a file in the folder", () => {
  test("is answered whole, with its size and its version", async () => {
    const response = await client.open(urlOf("a.bin"));
    expect(response).toMatchObject({ status: 200, totalSizeBytes: 200_000, range: null });
    expect(response.etag).toMatch(/^"200000-\d+-\d+"$/);
    expect(Date.parse(response.lastModified ?? "")).toBeGreaterThan(0);
    expect((await bodyOf(response)).equals(CONTENT)).toBe(true);
  });

  test.each([
    [{ start: 0, end: 0 }, 0, 1],
    [{ start: 100_000, end: 170_000 }, 100_000, 170_001],
    [{ start: 199_999 }, 199_999, 200_000],
    [{ start: 199_990, end: 999_999_999_999 }, 199_990, 200_000],
  ])("is answered in parts: %j", async (range, start, end) => {
    const response = await client.open(urlOf("a.bin"), { range });
    expect(response).toMatchObject({ status: 206, range: { start, end: end - 1 } });
    expect((await bodyOf(response)).equals(CONTENT.subarray(start, end))).toBe(true);
  });

  test("has nothing behind its end", async () => {
    const response = await client.open(urlOf("a.bin"), { range: { start: 200_000 } });
    expect(response).toMatchObject({ status: 416, totalSizeBytes: 200_000, range: null });
    expect(await bodyOf(response)).toHaveLength(0);
  });

  test("gives its beginning, also when it is empty", async () => {
    expect((await client.readPrefix(urlOf("a.bin"), 10)).bytes).toEqual(
      new Uint8Array(CONTENT.subarray(0, 10)),
    );
    const empty = await client.readPrefix(urlOf("empty.bin"), 10);
    expect(empty).toMatchObject({ totalSizeBytes: 0, bytes: new Uint8Array() });
  });

  test("is found by a name that has to be escaped, and behind a link that stays inside", async () => {
    expect((await client.readPrefix(urlOf("deep/er/%41 #ä?.bin"), 9)).bytes).toHaveLength(3);
    expect((await client.readPrefix(urlOf("link-in.bin"), 9)).totalSizeBytes).toBe(200_000);
    const base = client.check(urlOf("deep/er/list.m3u8"));
    expect(client.check("../../a.bin?sign=1#x", base).href).toBe(`${urlOf("a.bin")}?sign=1`);
    expect((await client.readPrefix(`${urlOf("a.bin")}?sign=1`, 9)).totalSizeBytes).toBe(200_000);
  });

  test("that changed is sent whole to whoever holds another version", async () => {
    await writeFile(join(root, "changing.bin"), "first");
    const first = await client.readPrefix(urlOf("changing.bin"), 1);
    const range = { start: 1 };
    const ifRange = first.etag ?? "";
    const same = await client.open(urlOf("changing.bin"), { range, ifRange });
    expect([same.status, String(await bodyOf(same))]).toEqual([206, "irst"]);
    await writeFile(join(root, "changing.bin"), "second");
    const other = await client.open(urlOf("changing.bin"), { range, ifRange });
    expect([other.status, String(await bodyOf(other))]).toEqual([200, "second"]);
  });

  test("that becomes shorter under the reader is an error, not a short file", async () => {
    await writeFile(join(root, "shrinking.bin"), "");
    await truncate(join(root, "shrinking.bin"), 4_194_304);
    const response = await client.open(urlOf("shrinking.bin"));
    const pieces = response.body[Symbol.asyncIterator]();
    await pieces.next();
    await truncate(join(root, "shrinking.bin"), 65_536);
    const readOn = async (): Promise<void> => {
      while ((await pieces.next()).done !== true);
    };
    await expect(readOn()).rejects.toMatchObject({ code: "media_bad_response" });
  });

  test("is no longer read once the caller or the client is done", async () => {
    const reason = new Error("enough");
    const controller = new AbortController();
    const response = await client.open(urlOf("a.bin"), { signal: controller.signal });
    controller.abort(reason);
    await expect(bodyOf(response)).rejects.toBe(reason);
    await expect(client.open(urlOf("a.bin"), { signal: controller.signal })).rejects.toBe(reason);

    const other = createFolderClient(root);
    const open = await other.open(urlOf("a.bin"));
    await other.close();
    await expect(bodyOf(open)).rejects.toMatchObject({ code: "media_connection_failed" });
  });
});

describe("nothing else", () => {
  test.each([
    ["a path above", "../secret.bin"],
    ["an escaped path above", "%2e%2e/secret.bin"],
    ["a path above through backslashes", "..\\secret.bin"],
    ["a twin whose name begins alike", "../root-twin/secret.bin"],
    ["the folder itself", "."],
    ["an absolute path", "/etc/passwd"],
    ["another scheme", "http://127.0.0.1/a.bin"],
    ["data", "data:text/plain,x"],
    ["another host", "//example.com/a.bin"],
    ["an encoded slash", "..%2fsecret.bin"],
    ["an encoded NUL", "a.bin%00"],
    ["no URL at all", "file://%"],
  ])("%s is refused", (_name, reference) => {
    expect(() => client.check(reference, client.check(urlOf("list.m3u8")))).toThrow(
      expect.objectContaining({ code: "media_url_forbidden" }),
    );
  });

  test.each([
    ["what a link outside leads to", "link-out.bin", "media_url_forbidden"],
    ["what a linked folder leads to", "folder-out/secret.bin", "media_url_forbidden"],
    ["a file that is not there", "none.bin", "media_not_found"],
    ["a file under a file", "a.bin/b.bin", "media_not_found"],
    ["a folder", "deep", "media_not_found"],
    ["a link to itself", "loop.bin", "media_not_found"],
    ["a name too long for any file", "x".repeat(5000), "media_not_found"],
  ])("%s cannot be opened", async (_name, path, code) => {
    await expect(client.readPrefix(urlOf(path), 1)).rejects.toMatchObject({ code });
  });

  test("a socket is no file", async () => {
    const server = createServer().listen(join(root, "socket.bin"));
    await once(server, "listening");
    await expect(client.readPrefix(urlOf("socket.bin"), 1)).rejects.toMatchObject({
      code: "media_not_found",
      message: expect.stringContaining("is not a file"),
    });
    server.close();
  });

  test("a file without permission is forbidden", async () => {
    await writeFile(join(root, "locked.bin"), "x");
    await chmod(join(root, "locked.bin"), 0o000);
    // Root may read everything.
    const expected = process.getuid?.() === 0 ? "readable" : "media_forbidden";
    const outcome = await client.readPrefix(urlOf("locked.bin"), 1).then(
      () => "readable",
      (error: { code: string }) => error.code,
    );
    expect(outcome).toBe(expected);
  });

  test("a folder that is not there gives no client", () => {
    expect(() => createFolderClient(join(outside, "none"))).toThrow(
      expect.objectContaining({ code: "media_not_found" }),
    );
  });
});
