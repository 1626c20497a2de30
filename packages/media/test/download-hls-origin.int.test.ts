import { mkdtemp, readdir, readFile, rm, writeFile, rename } from "node:fs/promises";
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
import { filesBelow, takeForSound } from "./download-setup.ts";
import { setRecording, tsNoise, vodPlaylist } from "./hls-recordings.ts";

const NAME = "app/live/room/20261123-0";
const COUNT = 20;
const totalBytes = COUNT * 500 * 188;
/** Half of it twice would be more. What is on its way when a download stops is lost: up to eight segments, in part. */
const MOST_BYTES = totalBytes * 1.4;

let origin: MediaOrigin;
let client: MediaClient;
let root: string;
let folder: string;
let segments: readonly Buffer[];
let cases = 0;

beforeAll(async () => {
  // What the kernel holds when a connection is reset is lost: a pace leaves little in there.
  origin = await startMediaOrigin({ bytesPerSecond: 4_000_000 });
  client = createMediaClient({ allowedHosts: parseAllowedHosts("127.0.0.1") });
});

afterAll(async () => {
  await client.close();
  await origin[Symbol.asyncDispose]();
});

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "reelgate-download-hls-"));
  cases += 1;
  folder = `/case-${cases}`;
  segments = Array.from({ length: COUNT }, () => tsNoise(500));
  setRecording(origin, folder, segments);
});

afterEach(async () => {
  origin.setFault("*", null);
  origin.setConcurrencyLimit(null);
  await rm(root, { recursive: true });
});

async function download(options: DownloadOptions = {}): Promise<DownloadResult> {
  const url = `${origin.url}${folder}/index.m3u8`;
  const storage = createLocalFolderStorage(root);
  return await downloadMedia(client, url, NOTHING_DECLARED, NAME, storage, {
    verify: takeForSound,
    ...options,
  });
}

/** Begins a download and stops it when half of it is there. */
async function beginDownload(): Promise<void> {
  const stop = new AbortController();
  const stopped = new Error("stopped");
  const begun = download({
    signal: stop.signal,
    onProgress: ({ bytesDone }) => {
      if (bytesDone > totalBytes / 2) {
        stop.abort(stopped);
      }
    },
  });
  await expect(begun).rejects.toBe(stopped);
}

function setPlaylist(uriOf: (index: number) => string): void {
  origin.setFile(`${folder}/index.m3u8`, vodPlaylist(COUNT, uriOf));
}

async function expectStored(expected: readonly Uint8Array[] = segments): Promise<void> {
  const stored = await Promise.all(
    expected.map(async (_, index) => await readFile(join(root, NAME, nameOf(index)))),
  );
  expect(stored.map((bytes, index) => bytes.equals(expected[index] ?? bytes))).toEqual(
    expected.map(() => true),
  );
  expect((await filesBelow(root)).staged).toEqual([]);
}

function nameOf(index: number): string {
  return `${String(index).padStart(5, "0")}.ts`;
}

function sentBytes(): number {
  return segments.reduce((sum, _, index) => sum + segmentCounters(index).sentBytes, 0);
}

function segmentCounters(index: number): { sentBytes: number; requests: number } {
  return origin.counters(`${folder}/s${index}.ts`);
}

describe("an origin that fails now and then", () => {
  test.each<[name: string, fault: OriginFault]>([
    ["drops the connection", { kind: "drop", atByte: 30_000 }],
    ["fails with 500", { kind: "status", status: 500 }],
    [
      "fails with 503 and Retry-After",
      { kind: "status", status: 503, headers: { "retry-after": "0" } },
    ],
    ["says once that it is not there", { kind: "status", status: 404 }],
    ["cuts the body once, and the length with it", { kind: "truncated", atByte: 50_000 }],
    ["sends no length", { kind: "chunked" }],
  ])("%s", async (_name, fault) => {
    for (const index of [0, 3, COUNT - 1]) {
      origin.setFault(`${folder}/s${index}.ts`, fault, { times: 1 });
    }
    await expect(download()).resolves.toMatchObject({ kind: "stored" });
    await expectStored();
  });

  test("what came before a connection broke is not fetched again", async () => {
    const large = tsNoise(5000);
    origin.setFile(`${folder}/s5.ts`, large);
    // Whoever begins at zero each time never gets past the first of these.
    origin.setFault(`${folder}/s5.ts`, { kind: "drop-every", everyBytes: 400_000 });
    await download();
    await expectStored(segments.map((bytes, index) => (index === 5 ? large : bytes)));
    expect(segmentCounters(5).sentBytes).toBeLessThan(large.length * 1.5);
  });

  test("a connection that stands still is given up, and the segment goes on elsewhere", async () => {
    for (const index of [1, 9]) {
      origin.setFault(`${folder}/s${index}.ts`, { kind: "stall", atByte: 60_000 }, { times: 1 });
    }
    await download({ lowSpeedWindowMs: 300 });
    await expectStored();
    expect(segmentCounters(9).requests).toBe(2);
  });

  test("an answer that takes more than one request is put together", async () => {
    origin.setFault(`${folder}/s5.ts`, { kind: "drop", atByte: 50_000 }, { times: 1 });
    let isSet = false;
    await download({
      onProgress: () => {
        if (!isSet && segmentCounters(5).requests === 1) {
          isSet = true;
          origin.setFault(`${folder}/s5.ts`, { kind: "short-206", maxBytes: 20_000 });
        }
      },
    });
    await expectStored();
  });

  test("a segment that is replaced in the middle is that of one version", async () => {
    const next = tsNoise(500);
    origin.setFault(`${folder}/s5.ts`, { kind: "drop", atByte: 50_000 }, { times: 1 });
    origin.setReplacement(`${folder}/s5.ts`, next, { fromRequest: 2 });
    await download();
    await expectStored(segments.map((bytes, index) => (index === 5 ? next : bytes)));
  });

  test("one segment that never comes fails the download for now, and the rest is kept", async () => {
    origin.setFault(`${folder}/s${COUNT - 1}.ts`, { kind: "status", status: 500 });
    await expect(download({ maxFailures: 1 })).rejects.toMatchObject({
      code: "media_origin_error",
      retryable: true,
    });
    expect((await filesBelow(root)).published).toEqual([]);
    origin.setFault(`${folder}/s${COUNT - 1}.ts`, null);
    await download();
    await expectStored();
    expect(sentBytes()).toBeLessThan(MOST_BYTES);
  });

  test("no more requests at a time than eight, and fewer when the origin refuses", async () => {
    origin.setConcurrencyLimit({ max: 3, retryAfterS: 1 });
    await download();
    await expectStored();
    expect(origin.maxConcurrent).toBeLessThanOrEqual(8);
  });

  test("everything that is wrong is named at once", async () => {
    origin.setFault(`${folder}/s2.ts`, { kind: "status", status: 404 });
    origin.setFault(`${folder}/s7.ts`, { kind: "status", status: 410 });
    origin.setFault(`${folder}/s11.ts`, { kind: "truncated", atByte: 50_001 });
    const result = await download();
    expect(result.kind).toBe("broken");
    expect(result.report.findings.map(({ kind, detail }) => [kind, detail.split(" (")[0]])).toEqual(
      [
        ["missing_segment", "Segment 3 of 20"],
        ["missing_segment", "Segment 8 of 20"],
        ["short_segment", "Segment 12 of 20"],
      ],
    );
    expect(segmentCounters(2).requests).toBe(2);
    expect((await filesBelow(root)).published).toEqual([]);
  });

  test("of a broken recording, the next call asks for what was broken, and if the first is unchanged", async () => {
    origin.setFault(`${folder}/s2.ts`, { kind: "status", status: 404 });
    origin.setFault(`${folder}/s11.ts`, { kind: "truncated", atByte: 50_001 });
    await expect(download()).resolves.toMatchObject({ kind: "broken" });
    const asked = (): number[] => segments.map((_, index) => segmentCounters(index).requests);
    const before = asked();
    await expect(download()).resolves.toMatchObject({ kind: "broken" });
    const again = asked().flatMap((requests, index) =>
      requests > (before[index] ?? 0) ? [index] : [],
    );
    expect(again).toEqual([0, 2, 11]);
    origin.setFault("*", null);
    origin.setFault(`${folder}/s2.ts`, null);
    origin.setFault(`${folder}/s11.ts`, null);
    await expect(download()).resolves.toMatchObject({ kind: "stored" });
    await expectStored();
  });
});

describe("a download that goes on", () => {
  test("fetches what is not there yet", async () => {
    await beginDownload();
    const before = sentBytes();
    await download();
    await expectStored();
    expect(before).toBeGreaterThan(0);
    expect(sentBytes()).toBeLessThan(MOST_BYTES);
  });

  test("fetches a file again that changed on the disk", async () => {
    await beginDownload();
    const staged = (await filesBelow(root)).staged.filter((file) => file.endsWith(".ts"));
    expect(staged.length).toBeGreaterThan(0);
    for (const file of staged) {
      await writeFile(join(root, file), tsNoise(500));
    }
    await download();
    await expectStored();
  });

  test("keeps what is there when the addresses are only signed anew", async () => {
    setPlaylist((index) => `s${index}.ts?sign=first${index}`);
    await beginDownload();
    setPlaylist((index) => `s${index}.ts?sign=second${index}`);
    await download();
    await expectStored();
    expect(sentBytes()).toBeLessThan(MOST_BYTES);
    const playlist = await readFile(join(root, NAME, "index.m3u8"), "utf8");
    expect(playlist).not.toContain("sign");
  });

  test("fetches a file again whose address has another query and which is another one", async () => {
    setPlaylist((index) => `s${index}.ts?sign=first`);
    await beginDownload();
    setPlaylist((index) => `s${index}.ts?sign=second`);
    const next = segments.map(() => tsNoise(500));
    for (const [index, bytes] of next.entries()) {
      origin.setFile(`${folder}/s${index}.ts`, bytes);
    }
    await download();
    await expectStored(next);
  });

  test("is no mix of two recordings that lay under the same addresses, one after the other", async () => {
    await beginDownload();
    const next = segments.map(() => tsNoise(500));
    for (const [index, bytes] of next.entries()) {
      origin.setFile(`${folder}/s${index}.ts`, bytes);
    }
    await download();
    await expectStored(next);
  });

  test("asks for a part that had come whole, but was not noted so, before it is trusted", async () => {
    await beginDownload();
    const { staged } = await filesBelow(root);
    const whole = staged.find((file) => file.endsWith("/files/00001.ts")) ?? "";
    const journal = join(root, staged.find((file) => file.endsWith("/segments.jsonl")) ?? "");
    // As a stop leaves it that comes between the last byte of a part and the note that it is whole.
    await rename(join(root, whole), join(root, whole.replace("/files/00001.ts", "/parts/00001")));
    const lines = (await readFile(journal, "utf8")).split("\n");
    const kept = lines.filter((line) => !line.startsWith('{"kind":"done","stem":"00001"'));
    expect(kept).toHaveLength(lines.length - 1);
    await writeFile(journal, kept.join("\n"));
    const next = segments.map(() => tsNoise(500));
    for (const [index, bytes] of next.entries()) {
      origin.setFile(`${folder}/s${index}.ts`, bytes);
    }
    await download();
    await expectStored(next);
  });

  test("keeps nothing when the playlist is another one", async () => {
    await beginDownload();
    const next = segments.map(() => tsNoise(500));
    for (const [index, bytes] of next.entries()) {
      origin.setFile(`${folder}/s${index}.ts`, bytes);
    }
    origin.setFile(
      `${folder}/index.m3u8`,
      vodPlaylist(COUNT, (index) => `s${index}.ts`).replace("EXTINF:1.0", "EXTINF:1.1"),
    );
    await download();
    await expectStored(next);
  });

  test("does not go on in a part whose origin tells no version", async () => {
    for (const index of segments.keys()) {
      origin.setValidators(`${folder}/s${index}.ts`, "none");
    }
    await beginDownload();
    await download();
    await expectStored();
  });
});

describe("byte ranges of one file", () => {
  let file: Buffer;

  beforeEach(() => {
    file = Buffer.concat(segments);
    origin.setFile(`${folder}/all.ts`, file);
    setPlaylist((index) => `#EXT-X-BYTERANGE:94000@${index * 94_000}\nall.ts`);
  });

  test("each is a file of its own, and fetched once", async () => {
    await download();
    await expectStored();
    expect(origin.counters(`${folder}/all.ts`).sentBytes).toBe(totalBytes);
    const playlist = await readFile(join(root, NAME, "index.m3u8"), "utf8");
    expect(playlist).not.toContain("BYTERANGE");
  });

  test("a range that is used often is fetched once", async () => {
    setPlaylist(() => `#EXT-X-BYTERANGE:94000@0\nall.ts`);
    await download();
    expect(await readdir(join(root, NAME))).toEqual(["00000.ts", "SHA256SUMS", "index.m3u8"]);
    expect(origin.counters(`${folder}/all.ts`).sentBytes).toBe(94_000);
  });

  test("never of two versions: a file that is replaced meanwhile begins again", async () => {
    const next = tsNoise(500 * COUNT);
    origin.setReplacement(`${folder}/all.ts`, next, { fromRequest: 10 });
    await expect(download()).rejects.toMatchObject({ code: "media_changed", retryable: true });
    await download();
    await expectStored(
      segments.map((_, index) => next.subarray(index * 94_000, (index + 1) * 94_000)),
    );
  });

  test("an origin that ignores ranges is read up to them near the beginning, and refused far in", async () => {
    origin.setFault(`${folder}/all.ts`, { kind: "no-range" });
    setPlaylist((index) => `#EXT-X-BYTERANGE:94000@${(index % 5) * 94_000}\nall.ts`);
    // Of 470,000 bytes, 940,000 come in front of them, in vain.
    await expect(download({ maxBytes: 1_000_000 })).rejects.toMatchObject({
      code: "media_budget_exceeded",
    });
    await download({ maxBytes: 1_500_000 });
    await expectStored(segments.slice(0, 5));
    await rm(join(root, NAME), { recursive: true });
    setPlaylist((index) => `#EXT-X-BYTERANGE:94000@${index * 94_000}\nall.ts`);
    await expect(download({ maxFailures: 0 })).rejects.toMatchObject({
      code: "media_bad_response",
    });
  });
});

test("progress counts bytes and files up to the whole", async () => {
  const seen: DownloadProgress[] = [];
  await download({ onProgress: (progress) => seen.push(progress) });
  const fetching = seen.filter(({ phase }) => phase === "fetching");
  const bytes = fetching.map(({ bytesDone }) => bytesDone);
  expect(bytes).toEqual(bytes.toSorted((one, other) => one - other));
  expect(fetching.at(-1)).toEqual({
    phase: "fetching",
    bytesDone: totalBytes,
    bytesTotal: null,
    filesDone: COUNT,
    filesTotal: COUNT,
  });
});

test("all files together may not have more bytes than allowed", async () => {
  await expect(download({ maxBytes: totalBytes - 1 })).rejects.toMatchObject({
    code: "media_budget_exceeded",
  });
  expect(await filesBelow(root)).toEqual({ published: [], staged: [] });
});
