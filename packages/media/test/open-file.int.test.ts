import { createHash } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  type MediaOrigin,
  type OriginFault,
  startMediaOrigin,
} from "@reelgate/testkit/media-origin";
import { parseAllowedHosts } from "../src/guard/allowed-hosts.ts";
import { createMediaClient, type MediaClient } from "../src/http/media-client.ts";
import type { ByteSource } from "../src/source/byte-source.ts";
import { openFile, type OpenedFile } from "../src/source/open-file.ts";

const SIZE_BYTES = 1_000_000;
/** Bytes of which every stretch tells where it is from. */
const FILE = Uint8Array.from(
  { length: SIZE_BYTES },
  (_, index) => (index * 31 + (index >> 8)) & 0xff,
);

let origin: MediaOrigin;
let client: MediaClient;

beforeEach(async () => {
  origin = await startMediaOrigin({ files: { "/file": FILE } });
  client = createMediaClient({
    allowedHosts: parseAllowedHosts("127.0.0.1"),
    bodyIdleTimeoutMs: 1000,
  });
});
afterEach(async () => {
  await client.close();
  await origin[Symbol.asyncDispose]();
});

function open(maxFetchedBytes = 10_000_000, path = "/file"): Promise<OpenedFile> {
  const signal = new AbortController().signal;
  return openFile(client, client.check(origin.url + path), { maxFetchedBytes, signal });
}

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

async function streamed(source: ByteSource, offset: number): Promise<string> {
  const hash = createHash("sha256");
  for await (const piece of source.stream(offset)) {
    hash.update(piece);
  }
  return hash.digest("hex");
}

async function expectEverythingRight(source: ByteSource): Promise<void> {
  expect(source.sizeBytes).toBe(SIZE_BYTES);
  for (const [offset, length] of [
    [0, 10],
    [65_530, 20],
    [999_990, 100],
    [500_000, 200_000],
    [100, 0],
    [SIZE_BYTES, 10],
    [16_384, 16_384],
  ] as const) {
    expect(sha256(await source.read(offset, length))).toBe(
      sha256(FILE.subarray(offset, offset + length)),
    );
  }
  expect(await streamed(source, 70_000)).toBe(sha256(FILE.subarray(70_000)));
  expect(await streamed(source, 0)).toBe(sha256(FILE));
}

describe("an origin that takes ranges", () => {
  test("one request opens the file, and reads fetch blocks on one connection", async () => {
    await using file = await open();
    const source = await file.source();
    expect(file.prefix).toMatchObject({ status: 206, totalSizeBytes: SIZE_BYTES });
    expect(file.prefix.bytes).toEqual(FILE.subarray(0, 65_536));
    expect(origin.requests).toHaveLength(1);
    await source.read(SIZE_BYTES - 100, 100);
    await source.read(SIZE_BYTES - 200, 200);
    await source.read(0, 65_536);
    expect(origin.requests).toHaveLength(2);
    expect(origin.connections).toBe(1);
    expect(source.fetchedBytes).toBe(origin.sentBytes);
    expect(source.fetchedBytes).toBeLessThanOrEqual(65_536 + 16_384);
  });

  test("a hint limits a look at a far header to one block", async () => {
    await using file = await open();
    const source = await file.source();
    await source.read(500_000, 8, { fetchBytes: 16_384 });
    expect(source.fetchedBytes).toBeLessThanOrEqual(65_536 + 2 * 16_384);
    await expectEverythingRight(source);
  });

  test("what the cache lacks in the middle of a read is fetched alone", async () => {
    await using file = await open();
    const source = await file.source();
    await source.read(200_000, 100, { fetchBytes: 16_384 });
    const before = source.fetchedBytes;
    expect(await source.read(65_536, 300_000)).toEqual(FILE.subarray(65_536, 365_536));
    expect(source.fetchedBytes - before).toBeLessThanOrEqual(300_000 + 16_384);
  });
});

describe("an origin that does its own thing", () => {
  const faults: readonly (readonly [string, OriginFault])[] = [
    ["ignores ranges", { kind: "no-range" }],
    ["tells no length", { kind: "chunked" }],
  ];
  test.each(faults)("%s: the file is read all the same", async (_name, fault) => {
    origin.setFault("/file", fault);
    await using file = await open();
    await expectEverythingRight(await file.source());
  });

  test("stops to take ranges in the middle: the file is read all the same", async () => {
    await using file = await open();
    origin.setFault("/file", { kind: "no-range" });
    await expectEverythingRight(await file.source());
  });

  test("forwards only, without ranges, is one request", async () => {
    origin.setFault("/file", { kind: "no-range" });
    await using file = await open();
    const source = await file.source();
    for (let offset = 0; offset < SIZE_BYTES; offset += 100_000) {
      await source.read(offset, 100);
    }
    expect(origin.requests).toHaveLength(1);
  });

  test("breaks a connection: the read is repeated", async () => {
    origin.setFault("/file", { kind: "drop", atByte: 20_000 }, { times: 2 });
    await using file = await open();
    origin.setFault("/file", { kind: "drop", atByte: 20_000 }, { times: 2 });
    await expectEverythingRight(await file.source());
  });

  test("breaks a stream again and again: it goes on where it broke", async () => {
    await using file = await open();
    const source = await file.source();
    origin.setFault("/file", { kind: "drop", atByte: 200_000 });
    expect(await streamed(source, 0)).toBe(sha256(FILE));
    expect(source.fetchedBytes).toBeLessThanOrEqual(SIZE_BYTES);
  });

  test("always breaks: an error, and no endless tries", async () => {
    origin.setFault("/file", { kind: "drop", atByte: 0 });
    await expect(open()).rejects.toMatchObject({ code: "media_connection_failed" });
    expect(origin.requests.length).toBeLessThanOrEqual(3);
    origin.setFault("/file", null);
    await using file = await open();
    const source = await file.source();
    origin.setFault("/file", { kind: "drop", atByte: 0 });
    await expect(streamed(source, 0)).rejects.toMatchObject({ code: "media_connection_failed" });
  });

  test("stalls: a timeout of its own", async () => {
    await using file = await open();
    const source = await file.source();
    origin.setFault("/file", { kind: "stall", atByte: 100 });
    await expect(source.read(500_000, 100)).rejects.toMatchObject({ code: "media_timeout" });
  });

  test("answers 206 with another part: an error, and nothing of it is used", async () => {
    await using file = await open();
    const source = await file.source();
    origin.setFault("/file", { kind: "wrong-206", contentRange: `bytes 0-99/${SIZE_BYTES}` });
    await expect(source.read(500_000, 100)).rejects.toMatchObject({ code: "media_bad_response" });
  });

  test.each([
    ["of the same size", SIZE_BYTES],
    ["that is shorter", 300_000],
    ["that is longer", SIZE_BYTES + 1],
  ])("puts another file in its place, %s: never half of each", async (_name, sizeBytes) => {
    await using file = await open();
    const source = await file.source();
    origin.setFile("/file", new Uint8Array(sizeBytes).fill(7));
    await expect(source.read(500_000, 100)).rejects.toMatchObject({ code: "media_changed" });
    await expect(streamed(source, 0)).rejects.toMatchObject({ code: "media_changed" });
  });
});

describe("limits", () => {
  test("the budget ends a read of too much", async () => {
    origin.setFault("/file", { kind: "no-range" });
    await using file = await open(200_000);
    const source = await file.source();
    await expect(source.read(900_000, 10)).rejects.toMatchObject({
      code: "media_budget_exceeded",
    });
  });

  test("a stream without end is no file", async () => {
    origin.setFault("/file", { kind: "infinite" });
    await using file = await open(100_000_000);
    await expect(file.source()).rejects.toMatchObject({
      code: "media_bad_response",
      message: expect.stringContaining("does not say how large") as string,
    });
    expect(origin.sentBytes).toBeLessThan(40_000_000);
  });

  test("an empty file has a prefix without bytes", async () => {
    origin.setFile("/empty", "");
    await using file = await open(1000, "/empty");
    expect(file.prefix).toMatchObject({ totalSizeBytes: 0, bytes: new Uint8Array() });
  });

  test("a file that is not there, and a look that is over", async () => {
    await expect(open(1000, "/none")).rejects.toMatchObject({ code: "media_not_found" });
    const ending = new AbortController();
    const url = client.check(`${origin.url}/file`);
    await using file = await openFile(client, url, {
      maxFetchedBytes: SIZE_BYTES,
      signal: ending.signal,
    });
    const source = await file.source();
    ending.abort(new Error("over"));
    await expect(source.read(500_000, 1)).rejects.toThrow("over");
  });

  test("a read beyond what one read may give is a defect of its caller", async () => {
    await using file = await open();
    const source = await file.source();
    await expect(source.read(0, 1_048_577)).rejects.toThrow(RangeError);
    await expect(source.read(-1, 1)).rejects.toThrow(RangeError);
  });
});
