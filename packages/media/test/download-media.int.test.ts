import { mkdtemp, readdir, readFile, rm, utimes } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { AppError } from "@reelgate/shared/errors";
import { type MediaOrigin, startMediaOrigin } from "@reelgate/testkit/media-origin";
import {
  downloadMedia,
  type DownloadOptions,
  type DownloadResult,
} from "../src/download/download-media.ts";
import { discardStaging, hasVerifiedCopy } from "../src/download/staging/kept-copies.ts";
import { parseAllowedHosts } from "../src/guard/allowed-hosts.ts";
import { createMediaClient, type MediaClient } from "../src/http/media-client.ts";
import { NOTHING_DECLARED } from "../src/report/compare-declared.ts";
import { createLocalFolderStorage } from "../src/storage/local-folder.ts";
import type { Storage } from "../src/storage/storage.ts";
import {
  filesBelow,
  noiseThatBeginsAsMp4,
  sha256,
  takeForBroken,
  takeForSound,
} from "./download-setup.ts";

const SIZE = 2_000_000;
const NAME = "app/live/room/20261123-0";
const MEDIA_FOLDER = join(import.meta.dirname, "../../testkit/media");

let origin: MediaOrigin;
let client: MediaClient;
let root: string;
let storage: Storage;
let content: Buffer;

beforeAll(() => {
  client = createMediaClient({ allowedHosts: parseAllowedHosts("127.0.0.1") });
});

afterAll(async () => {
  await client.close();
});

beforeEach(async () => {
  content = noiseThatBeginsAsMp4(SIZE);
  origin = await startMediaOrigin({
    root: MEDIA_FOLDER,
    files: { "/noise.mp4": content },
    bytesPerSecond: 20_000_000,
  });
  root = await mkdtemp(join(tmpdir(), "reelgate-media-"));
  storage = createLocalFolderStorage(root);
});

afterEach(async () => {
  await origin[Symbol.asyncDispose]();
  await rm(root, { recursive: true });
});

async function download(
  options: DownloadOptions = {},
  path = "/noise.mp4",
  into: Storage = storage,
): Promise<DownloadResult> {
  return await downloadMedia(client, origin.url + path, NOTHING_DECLARED, NAME, into, {
    ...(path === "/noise.mp4" ? { verify: takeForSound } : {}),
    ...options,
  });
}

describe("G4: whole or not at all", () => {
  test("nothing has the final name before the copy was verified", async () => {
    await download({
      verify: async (path) => {
        expect(await filesBelow(root)).toMatchObject({ published: [] });
        expect(sha256(await readFile(path))).toBe(sha256(content));
        return await takeForSound(path, NOTHING_DECLARED, new AbortController().signal);
      },
    });
    expect((await filesBelow(root)).published).toEqual([`${NAME}.mp4`]);
  });

  test("a real recording is looked at on the disk, then stored", async () => {
    const result = await download({}, "/mp4/faststart.mp4");
    expect(result).toMatchObject({
      kind: "stored",
      report: { media: { container: "mp4" }, findings: [] },
    });
    const original = await readFile(join(MEDIA_FOLDER, "mp4/faststart.mp4"));
    expect(await readFile(join(root, `${NAME}.mp4`))).toEqual(original);
  });

  test("a recording that is cut off is not stored, and the report says why", async () => {
    const result = await download({}, "/damaged/mp4-faststart-cut.mp4");
    expect(result).toMatchObject({
      kind: "broken",
      report: { findings: [expect.objectContaining({ kind: "truncated" })] },
    });
    expect((await filesBelow(root)).published).toEqual([]);
  });

  test("what is broken is not fetched again while the origin has nothing else", async () => {
    await expect(download({ verify: takeForBroken })).resolves.toMatchObject({ kind: "broken" });
    expect((await filesBelow(root)).published).toEqual([]);
    const before = origin.sentBytes;
    await expect(download({ verify: takeForBroken })).resolves.toMatchObject({ kind: "broken" });
    expect(origin.sentBytes - before).toBeLessThan(100_000);
    const mended = noiseThatBeginsAsMp4(SIZE);
    origin.setFile("/noise.mp4", mended);
    await expect(download()).resolves.toMatchObject({
      kind: "stored",
      stored: { sha256: sha256(mended) },
    });
  });

  test("what is broken is removed on request", async () => {
    expect(await discardStaging(storage.stagingRoot, NAME)).toBe(false);
    await download({ verify: takeForBroken });
    expect(await discardStaging(storage.stagingRoot, "app/live/room/another")).toBe(false);
    expect((await filesBelow(root)).staged).not.toEqual([]);
    expect(await discardStaging(storage.stagingRoot, NAME)).toBe(true);
    expect(await filesBelow(root)).toEqual({ published: [], staged: [] });
  });

  test("a crash right after publication: the copy is adopted, and the origin is not asked", async () => {
    const crashing: Storage = {
      ...storage,
      publish: async (copy, name, options) => {
        await storage.publish(copy, name, options);
        throw new Error("crash");
      },
    };
    await expect(download({}, "/noise.mp4", crashing)).rejects.toThrow("crash");
    expect((await filesBelow(root)).published).toEqual([`${NAME}.mp4`]);
    const requests = origin.requests.length;
    await expect(download()).resolves.toMatchObject({
      kind: "stored",
      stored: { sha256: sha256(content) },
    });
    expect(origin.requests.length).toBe(requests);
    expect((await filesBelow(root)).staged).toEqual([]);
  });

  test("a crash right after publication that took the staging folder: the same bytes are adopted", async () => {
    await download();
    await expect(download()).resolves.toMatchObject({ kind: "stored" });
    expect((await filesBelow(root)).staged).toEqual([]);
  });

  test("other bytes under the name are never replaced", async () => {
    await download();
    origin.setFile("/noise.mp4", noiseThatBeginsAsMp4(SIZE));
    await expect(download()).rejects.toMatchObject({ code: "storage_conflict" });
    expect(sha256(await readFile(join(root, `${NAME}.mp4`)))).toBe(sha256(content));
  });
});

test("while the storage is full, a verified copy waits and costs the origin nothing more", async () => {
  const full: Storage = {
    ...storage,
    publish: async () => {
      throw new AppError("storage_full");
    },
  };
  await expect(download({}, "/noise.mp4", full)).rejects.toMatchObject({ code: "storage_full" });
  expect((await filesBelow(root)).published).toEqual([]);
  const { sentBytes } = origin;
  let verified = 0;
  const verify: DownloadOptions["verify"] = async (...given) => {
    verified += 1;
    return await takeForSound(...given);
  };
  await expect(download({ verify }, "/noise.mp4", full)).rejects.toMatchObject({
    code: "storage_full",
  });
  await expect(download({ verify })).resolves.toMatchObject({ kind: "stored" });
  expect(origin.sentBytes).toBe(sentBytes);
  expect(verified).toBe(0);
});

describe("a verified copy that waits", () => {
  const away: Partial<Storage> = {
    publish: async () => {
      throw new AppError("storage_unavailable");
    },
  };
  const UNAVAILABLE = { code: "storage_unavailable" };

  async function isWaiting(path: string): Promise<boolean> {
    const url = origin.url + path;
    return await hasVerifiedCopy(storage.stagingRoot, NAME, url, NOTHING_DECLARED);
  }

  test.each(["/noise.mp4?id=1", "/other.mp4?id=1"])(
    "is never published for another address: %s, then /other.mp4?id=2",
    async (path) => {
      origin.setFile("/other.mp4", content);
      const sound = { verify: takeForSound };
      await expect(download(sound, path, { ...storage, ...away })).rejects.toMatchObject(
        UNAVAILABLE,
      );
      expect(await isWaiting(path)).toBe(true);
      expect(await isWaiting("/other.mp4?id=2")).toBe(false);
      const others = noiseThatBeginsAsMp4(SIZE);
      origin.setFile("/other.mp4", others);
      await expect(download(sound, "/other.mp4?id=2")).resolves.toMatchObject({
        kind: "stored",
        stored: { sha256: sha256(others) },
      });
      expect(await readFile(join(root, `${NAME}.mp4`))).toEqual(others);
    },
  );

  test("is not the copy any more once another address was begun under its name", async () => {
    const second = noiseThatBeginsAsMp4(SIZE);
    origin.setFile("/other.mp4", second);
    const failing = { ...storage, ...away };
    await expect(download({}, "/noise.mp4", failing)).rejects.toMatchObject(UNAVAILABLE);
    await download({ verify: takeForBroken }, "/other.mp4");
    expect(await isWaiting("/noise.mp4")).toBe(false);
    await expect(download()).resolves.toMatchObject({ stored: { sha256: sha256(content) } });
  });

  test("is published when its address has expired", async () => {
    const failing = { ...storage, ...away };
    await expect(download({}, "/noise.mp4", failing)).rejects.toMatchObject(UNAVAILABLE);
    origin.setFault("/noise.mp4", { kind: "status", status: 403 });
    expect(await isWaiting("/noise.mp4")).toBe(true);
    await expect(download()).resolves.toMatchObject({ stored: { sha256: sha256(content) } });
    expect(await isWaiting("/noise.mp4")).toBe(false);
  });
});

test("a download that takes too long is stopped, and goes on with the next call", async () => {
  const slow = download({
    maxDurationMs: 1000,
    onProgress: () =>
      origin.setFault("/noise.mp4", { kind: "slow", chunkBytes: 20_000, intervalMs: 20 }),
  });
  await expect(slow).rejects.toMatchObject({ code: "media_timeout", retryable: true });
  origin.setFault("/noise.mp4", null);
  await expect(download()).resolves.toMatchObject({ stored: { sha256: sha256(content) } });
  expect(origin.counters("/noise.mp4").ranges.at(-1)).not.toMatch(/^bytes=0-/);
});

test("a sealed copy whose bytes were removed is fetched anew", async () => {
  const failing: Storage = {
    ...storage,
    publish: async ({ path }) => {
      await rm(path);
      throw new AppError("storage_unavailable");
    },
  };
  await expect(download({}, "/noise.mp4", failing)).rejects.toMatchObject({
    code: "storage_unavailable",
  });
  await expect(download()).resolves.toMatchObject({ kind: "stored" });
});

test("an owner that was slow for a minute is replaced, and neither mixes into the other's copy", async () => {
  let replaced: Promise<DownloadResult> | null = null;
  const slow = download({
    onProgress: ({ bytesDone }) => {
      if (bytesDone > 500_000 && replaced === null) {
        replaced = takeOver();
      }
    },
  });
  async function takeOver(): Promise<DownloadResult> {
    const [home = ""] = await readdir(storage.stagingRoot);
    const minuteAgo = new Date(Date.now() - 61_000);
    await utimes(join(storage.stagingRoot, home, "claim"), minuteAgo, minuteAgo);
    return await download();
  }
  const outcome: unknown = await slow.catch((error: unknown) => error);
  expect(outcome).toMatchObject({ code: "storage_claimed", retryable: true });
  await expect(replaced).resolves.toMatchObject({
    kind: "stored",
    stored: { sha256: sha256(content) },
  });
  expect(sha256(await readFile(join(root, `${NAME}.mp4`)))).toBe(sha256(content));
});

test("the guard decides before anything is made", async () => {
  const forbidden = downloadMedia(client, "http://10.0.0.1/a.mp4", NOTHING_DECLARED, NAME, storage);
  await expect(forbidden).rejects.toMatchObject({ code: "media_url_forbidden" });
  expect(await readdir(root)).toEqual([]);
});
