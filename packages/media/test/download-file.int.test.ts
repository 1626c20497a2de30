import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  type MediaOrigin,
  type OriginFault,
  startMediaOrigin,
} from "@reelgate/testkit/media-origin";
import {
  downloadMedia,
  type DownloadOptions,
  type DownloadResult,
} from "../src/download/download-media.ts";
import type { DownloadProgress } from "../src/download/download-progress.ts";
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

const SIZE = 3_000_000;
const NAME = "app/live/room/20261123-0";
const PREFIX_BYTES = 65_536;

let origin: MediaOrigin;
let client: MediaClient;
let root: string;
let storage: Storage;
let content: Buffer;
let cases = 0;
let path: string;

beforeAll(async () => {
  // What the kernel holds when a connection is reset is lost: a pace leaves little in there.
  origin = await startMediaOrigin({ bytesPerSecond: 10_000_000 });
  client = createMediaClient({ allowedHosts: parseAllowedHosts("127.0.0.1") });
});

afterAll(async () => {
  await client.close();
  await origin[Symbol.asyncDispose]();
});

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "reelgate-download-"));
  storage = createLocalFolderStorage(root);
  cases += 1;
  path = `/file-${cases}.mp4`;
  content = noiseThatBeginsAsMp4(SIZE);
  origin.setFile(path, content);
});

afterEach(async () => {
  await rm(root, { recursive: true });
});

async function download(options: DownloadOptions = {}, by = client): Promise<DownloadResult> {
  return await downloadMedia(by, origin.url + path, NOTHING_DECLARED, NAME, storage, {
    verify: takeForSound,
    ...options,
  });
}

/** As `download`, with an origin that misbehaves once the beginning of the file has been looked at. */
async function downloadFrom(
  fault: OriginFault,
  options: DownloadOptions & { times?: number } = {},
): Promise<DownloadResult> {
  let isSet = false;
  return await download({
    ...options,
    onProgress: (progress) => {
      if (!isSet) {
        isSet = true;
        origin.setFault(path, fault, { times: options.times ?? Number.POSITIVE_INFINITY });
      }
      options.onProgress?.(progress);
    },
  });
}

async function expectStored(bytes: Uint8Array = content): Promise<void> {
  const file = join(root, `${NAME}.mp4`);
  expect(sha256(await readFile(file))).toBe(sha256(bytes));
  expect(await filesBelow(root)).toEqual({ published: [`${NAME}.mp4`], staged: [] });
}

/** Bytes of the file itself that the origin sent, apart from the look at the beginning. */
function sentBytes(): number {
  return origin.counters(path).sentBytes - PREFIX_BYTES;
}

test("a file is stored as it is, and the result says what was stored", async () => {
  const result = await download();
  expect(result).toMatchObject({
    kind: "stored",
    stored: {
      url: `file://${root}/${NAME}.mp4`,
      sizeBytes: SIZE,
      sha256: sha256(content),
      files: 1,
    },
  });
  await expectStored();
  expect(sentBytes()).toBe(SIZE);
});

test("an empty file is looked at, and stored if nobody objects", async () => {
  content = Buffer.alloc(0);
  origin.setFile(path, content);
  await expect(download({ verify: takeForBroken })).resolves.toMatchObject({ kind: "broken" });
  await download();
  await expectStored();
});

test("a file whose size nobody told is stored to its end", async () => {
  origin.setFault(path, { kind: "chunked" });
  await expect(download()).resolves.toMatchObject({ stored: { sizeBytes: SIZE } });
  await expectStored();
});

test("what is no media is not fetched", async () => {
  origin.setFile(path, Buffer.alloc(SIZE));
  await expect(download()).rejects.toMatchObject({ code: "media_not_media" });
  expect(origin.counters(path).sentBytes).toBeLessThanOrEqual(PREFIX_BYTES);
  expect(await filesBelow(root)).toEqual({ published: [], staged: [] });
});

test("progress grows to the whole, through every phase", async () => {
  const seen: DownloadProgress[] = [];
  await download({ onProgress: (progress) => seen.push(progress) });
  expect([...new Set(seen.map(({ phase }) => phase))]).toEqual([
    "fetching",
    "verifying",
    "storing",
  ]);
  const fetched = seen
    .filter(({ phase }) => phase === "fetching")
    .map(({ bytesDone }) => bytesDone);
  expect(fetched).toEqual(fetched.toSorted((a, b) => a - b));
  expect(seen.at(-1)).toEqual({
    phase: "storing",
    bytesDone: SIZE,
    bytesTotal: SIZE,
    filesDone: 1,
    filesTotal: 1,
  });
});

describe("within one call", () => {
  test("a connection that drops again and again is resumed where it stopped", async () => {
    await downloadFrom({ kind: "drop-every", everyBytes: 400_000 });
    await expectStored();
    expect(sentBytes()).toBeLessThan(SIZE * 1.05);
    const ranges = origin.counters(path).ranges.slice(2);
    expect(ranges.length).toBeGreaterThan(5);
    expect(ranges.every((range) => /^bytes=\d+-$/.test(range ?? ""))).toBe(true);
  });

  test("a body that ends early is resumed", async () => {
    await downloadFrom({ kind: "drop", atByte: 1_000_000, how: "close" }, { times: 1 });
    await expectStored();
    expect(origin.counters(path).requests).toBe(3);
    expect(sentBytes()).toBeLessThan(SIZE * 1.05);
  });

  test("a stalled body is given up and resumed", async () => {
    await downloadFrom({ kind: "stall", atByte: 1_000_000 }, { times: 1, lowSpeedWindowMs: 500 });
    await expectStored();
    expect(sentBytes()).toBeLessThan(SIZE * 1.05);
  });

  test("a body that trickles is too slow, and that is what the error says", async () => {
    const failure = downloadFrom(
      { kind: "slow", chunkBytes: 1000, intervalMs: 20 },
      { lowSpeedBytesPerS: 1_000_000, lowSpeedWindowMs: 100, maxFailures: 1 },
    );
    await expect(failure).rejects.toMatchObject({
      code: "media_timeout",
      message: expect.stringContaining("bytes came within 100 ms"),
    });
  });

  test("ranges that end early are joined", async () => {
    let requests = 0;
    await downloadFrom(
      { kind: "drop", atByte: 500_000 },
      {
        times: 1,
        onProgress: () => {
          requests = origin.counters(path).requests;
          if (requests === 2) {
            return;
          }
          origin.setFault(path, { kind: "short-206", maxBytes: 300_000 });
        },
      },
    );
    await expectStored();
  });

  test("an origin without ranges is fetched again from the beginning", async () => {
    origin.setFault(path, { kind: "no-range" });
    await download();
    await expectStored();
  });

  test("a short Retry-After is waited for, a long one is handed on", async () => {
    const refuse = (retryAfter: string): void =>
      origin.setFault(
        path,
        { kind: "status", status: 429, headers: { "retry-after": retryAfter } },
        { times: 1 },
      );
    refuse("1");
    const startMs = performance.now();
    await download();
    expect(performance.now() - startMs).toBeGreaterThan(950);
    refuse("31");
    // A client leaves a host alone for as long as that asks, which is not what the tests after this one wait for.
    const refused = createMediaClient({ allowedHosts: parseAllowedHosts("127.0.0.1") });
    await expect(download({}, refused)).rejects.toMatchObject({
      code: "media_rate_limited",
      retryAfterMs: 31_000,
    });
    await refused.close();
  });

  test("an origin that gives nothing is given up after a few tries", async () => {
    origin.setFault(path, { kind: "status", status: 500 });
    await expect(download({ maxFailures: 2 })).rejects.toMatchObject({
      code: "media_origin_error",
    });
    expect(origin.counters(path).requests).toBe(3);
    expect(await filesBelow(root)).toEqual({ published: [], staged: [] });
  });

  test("an origin that drips a few bytes per connection is given up too", async () => {
    const failure = downloadFrom({ kind: "drop-every", everyBytes: 1000 }, { maxFailures: 2 });
    await expect(failure).rejects.toMatchObject({
      code: "media_connection_failed",
    });
  });

  test("an origin without validators that drops now and then is asked again", async () => {
    origin.setValidators(path, "none");
    await downloadFrom({ kind: "drop", atByte: 1_000_000 }, { times: 4 });
    await expectStored();
  });

  test("an origin without validators that always drops fails with what failed", async () => {
    origin.setValidators(path, "none");
    const failure = downloadFrom({ kind: "drop", atByte: 1_000_000 }, { maxFailures: 4 });
    await expect(failure).rejects.toMatchObject({ code: "media_connection_failed" });
    expect(origin.counters(path).requests).toBeLessThan(10);
  });

  test("what no retry heals is not retried", async () => {
    origin.setFault(path, { kind: "status", status: 403 });
    await expect(download()).rejects.toMatchObject({ code: "media_forbidden" });
    expect(origin.counters(path).requests).toBe(1);
  });
});

describe("never a mix of two versions", () => {
  test.each([
    ["strong-etag", "of another size", SIZE + 1000],
    ["strong-etag", "of the same size", SIZE],
    ["weak-etag", "of the same size", SIZE],
    ["last-modified", "of another size", SIZE - 1000],
    ["none", "of the same size", SIZE],
  ] as const)("with %s, replaced by a file %s", async (validators, _size, sizeBytes) => {
    const other = noiseThatBeginsAsMp4(sizeBytes);
    origin.setValidators(path, validators);
    origin.setReplacement(path, other, { fromRequest: 3 });
    await downloadFrom({ kind: "drop", atByte: 1_000_000 }, { times: 1 });
    await expectStored(other);
  });

  test.each([
    ["strong-etag", SIZE],
    ["weak-etag", SIZE],
    ["none", SIZE],
    ["last-modified", SIZE + 5],
  ] as const)("with %s, when the origin ignores If-Range", async (validators, sizeBytes) => {
    const other = noiseThatBeginsAsMp4(sizeBytes);
    origin.setValidators(path, validators);
    const abort = new AbortController();
    const first = download({
      signal: abort.signal,
      onProgress: ({ bytesDone }) => {
        if (bytesDone > 500_000) {
          abort.abort(new Error("shutdown"));
        }
      },
    });
    await expect(first).rejects.toThrow("shutdown");
    origin.setFile(path, other);
    origin.setFault(path, { kind: "ignores-if-range" });
    await download();
    await expectStored(other);
  });

  test("a file that changes on every request is given up", async () => {
    let lastDone = 0;
    const failure = downloadFrom(
      { kind: "drop", atByte: 500_000 },
      {
        onProgress: ({ bytesDone }) => {
          if (bytesDone >= 300_000 && lastDone < 300_000) {
            origin.setFile(path, noiseThatBeginsAsMp4(SIZE));
          }
          lastDone = bytesDone;
        },
      },
    );
    await expect(failure).rejects.toMatchObject({ code: "media_changed", retryable: true });
  });
});

describe("across calls", () => {
  async function stopAt(bytes: number): Promise<void> {
    const abort = new AbortController();
    const stopped = download({
      signal: abort.signal,
      onProgress: ({ bytesDone }) => {
        if (bytesDone >= bytes) {
          abort.abort(new Error("shutdown"));
        }
      },
    });
    await expect(stopped).rejects.toThrow("shutdown");
    const { published, staged } = await filesBelow(root);
    expect(published).toEqual([]);
    expect(staged.map((file) => file.split("/").at(-1))).toEqual(["journal.json", "part"]);
  }

  test("a download that was stopped goes on where it stopped", async () => {
    await stopAt(2_000_000);
    const before = sentBytes();
    await download();
    await expectStored();
    expect(origin.counters(path).ranges.at(-1)).toMatch(/^bytes=[12]\d{6}-$/);
    expect(sentBytes() - PREFIX_BYTES - before).toBeLessThan(1_100_000);
  });

  test("under another signature of the URL it is the same file, under another path it is not", async () => {
    await stopAt(2_000_000);
    const signed = `${origin.url}${path}?sign=2`;
    await downloadMedia(client, signed, NOTHING_DECLARED, NAME, storage, { verify: takeForSound });
    await expectStored();
    expect(origin.counters(path).ranges.at(-1)).toMatch(/^bytes=\d+-$/);
    await rm(join(root, `${NAME}.mp4`));

    await stopAt(2_000_000);
    const other = noiseThatBeginsAsMp4(SIZE);
    origin.setFile("/other.mp4", other);
    await downloadMedia(client, `${origin.url}/other.mp4`, NOTHING_DECLARED, NAME, storage, {
      verify: takeForSound,
    });
    await expectStored(other);
  });

  test("a file that is larger than allowed is refused before it is fetched", async () => {
    let mostBytes = 0;
    const refused = download({
      maxBytes: SIZE - 1,
      onProgress: ({ bytesDone }) => {
        mostBytes = Math.max(mostBytes, bytesDone);
      },
    });
    await expect(refused).rejects.toMatchObject({ code: "media_budget_exceeded" });
    expect(mostBytes).toBe(0);
    expect(await filesBelow(root)).toEqual({ published: [], staged: [] });
    origin.setFault(path, { kind: "infinite", start: content.subarray(0, 1000) });
    await expect(download({ maxBytes: 5_000_000 })).rejects.toMatchObject({
      code: "media_budget_exceeded",
    });
  });

  test("two calls for one recording do not work on it at once", async () => {
    const results = await Promise.allSettled([download(), download()]);
    expect(results.map(({ status }) => status).toSorted()).toEqual(["fulfilled", "rejected"]);
    expect(results.find(({ status }) => status === "rejected")).toMatchObject({
      reason: { code: "storage_claimed" },
    });
    await expectStored();
  });
});
