import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { pathToFileURL } from "node:url";
import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { type FauxqsServer, startFauxqs } from "fauxqs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AppError } from "@reelgate/shared/errors";
import { copyName } from "../src/storage/object-name.ts";
import { openCopies } from "../src/storage/open-copies.ts";
import { openStorage } from "../src/storage/open-storage.ts";
import { parseStorageUrl } from "../src/storage/storage-url.ts";
import type { StagedFile } from "../src/storage/storage.ts";
import type { StoredCopies } from "../src/storage/stored-copies.ts";
import { sha256 } from "./download-setup.ts";
import { type S3Proxy, startS3Proxy } from "./s3-proxy.ts";

const BUCKET = "recordings-1250000000";
const CREDENTIALS = { accessKeyId: "id", secretAccessKey: "secret" };
const FILE = `s3://${BUCKET}/some prefix/app/röom/a.mp4`;
const PLAYLIST = `s3://${BUCKET}/some prefix/app/hls/index.m3u8`;
const going = new AbortController().signal;

const stack = new AsyncDisposableStack();
let server: FauxqsServer;
let direct: S3Client;
let proxy: S3Proxy;
let copies: StoredCopies;

beforeAll(async () => {
  server = stack.adopt(await startFauxqs({ port: 0, logger: false }), (started) => started.stop());
  direct = stack.adopt(
    new S3Client({
      region: "eu-west-1",
      endpoint: `http://127.0.0.1:${server.port}`,
      forcePathStyle: true,
      credentials: CREDENTIALS,
    }),
    (client) => client.destroy(),
  );
  server.createBucket(BUCKET);
  await put("some prefix/app/röom/a.mp4", "0123456789");
  await put("some prefix/app/hls/index.m3u8", "#EXTM3U");
  await put("some prefix/app/hls/00000.ts", "segment");
  await put("other/app/a.mp4", "not below the prefix");
  proxy = stack.use(await startS3Proxy(server.port));
  const url = `s3://${BUCKET}/some prefix?endpoint=${proxy.url}&region=eu-west-1&path_style=true`;
  copies = stack.adopt(await openCopies(parseStorageUrl(url), CREDENTIALS), (opened) =>
    opened.close(),
  );
});
afterAll(async () => await stack.disposeAsync());

async function put(key: string, body: string): Promise<void> {
  await direct.send(new PutObjectCommand({ Bucket: BUCKET, Key: key, Body: body }));
}

async function read(
  url: string,
  file: string | null,
  first: number,
  last: number,
): Promise<string> {
  await using found = await copies.find(url, file, going);
  if (found === null) return "nothing";
  return await text(await found.read({ first, last }));
}

describe("copies in a storage that speaks S3", () => {
  test("are found and read in parts", async () => {
    await using found = await copies.find(FILE, null, going);
    expect(found).toMatchObject({ sizeBytes: 10, etag: expect.stringMatching(/^".+"$/) as string });
    expect(found?.modifiedAt.getTime()).toBeGreaterThan(Date.now() - 600_000);
    expect(await read(FILE, null, 0, 9)).toBe("0123456789");
    expect(await read(FILE, null, 3, 4)).toBe("34");
    expect(await read(PLAYLIST, "00000.ts", 0, 6)).toBe("segment");
    expect(await read(PLAYLIST, "index.m3u8", 1, 6)).toBe("EXTM3U");
  });

  test.each([
    [PLAYLIST, "00001.ts"],
    [PLAYLIST, "../../../../other/app/a.mp4"],
    [PLAYLIST, null],
    [FILE, "a.mp4"],
    [`s3://${BUCKET}/some prefix/app/gone.mp4`, null],
    [`s3://${BUCKET}/other/app/a.mp4`, null],
    [`s3://${BUCKET}/some prefix/../other/app/a.mp4`, null],
    [`s3://${BUCKET}/some prefixed/app/a.mp4`, null],
    ["s3://another-bucket/some prefix/app/röom/a.mp4", null],
    ["file:///some prefix/app/a.mp4", null],
    ["", null],
  ])("%s with file %s is nothing", async (url, file) => {
    expect(await read(url, file, 0, 1)).toBe("nothing");
  });

  test("are read in the version that was found, or not at all", async () => {
    await put("some prefix/app/new.mp4", "first");
    const url = `s3://${BUCKET}/some prefix/app/new.mp4`;
    await using found = await copies.find(url, null, going);
    proxy.fault = ({ method }) =>
      method === "GET" ? { kind: "error", status: 412, code: "PreconditionFailed" } : null;
    try {
      const failure = await found?.read({ first: 0, last: 4 }).catch((error: unknown) => error);
      expect((failure as AppError).code).toBe("storage_refused");
    } finally {
      proxy.fault = () => null;
    }
    const { headers } = proxy.requests.findLast(({ method }) => method === "GET") ?? {};
    expect(headers).toMatchObject({ "if-match": found?.etag, range: "bytes=0-4" });
  });

  test("are not there for who may not read", async () => {
    proxy.fault = () => ({ kind: "error", status: 403, code: "AccessDenied" });
    try {
      await expect(copies.find(FILE, null, going)).rejects.toMatchObject({
        code: "storage_refused",
      });
    } finally {
      proxy.fault = () => null;
    }
  });

  test("a request ends with its signal", async () => {
    proxy.fault = () => ({ kind: "hang" });
    try {
      const gone = new AbortController();
      const found = copies.find(FILE, null, gone.signal);
      gone.abort(new Error("gone"));
      await expect(found).rejects.toThrow("gone");
    } finally {
      proxy.fault = () => null;
    }
  });
});

describe.each(["folder", "s3"] as const)("what was published in a storage (%s)", (kind) => {
  test("is found by the URL that publishing gave", async () => {
    const folder = await mkdtemp(join(tmpdir(), "reelgate-published-"));
    try {
      const target = parseStorageUrl(
        kind === "folder"
          ? pathToFileURL(join(folder, "a storage")).href
          : `s3://${BUCKET}/published?endpoint=${proxy.url}&region=eu-west-1&path_style=true`,
      );
      const storage = await openStorage(target, { workFolder: folder, credentials: CREDENTIALS });
      const reading = await openCopies(target, CREDENTIALS);
      const name = copyName({
        app: "live.example.com",
        appname: "röom?%#",
        streamId: "a b",
        startedAt: "2026-01-02T03:04:05.000000Z",
        identity: "x",
      });
      const stage = async (path: string, bytes: string): Promise<StagedFile> => {
        await mkdir(dirname(join(folder, path)), { recursive: true });
        await writeFile(join(folder, path), bytes);
        const { length: sizeBytes } = Buffer.from(bytes);
        return { name: basename(path), sizeBytes, sha256: sha256(Buffer.from(bytes)) };
      };
      const file = await stage("movie", "a movie");
      const files = [await stage("hls/00000.ts", "segment"), await stage("hls/index.m3u8", "#EXT")];
      const movie = await storage.publish(
        { kind: "file", path: join(folder, "movie"), ...file },
        `${name}.mp4`,
        { signal: going },
      );
      const hls = await storage.publish(
        { kind: "folder", path: join(folder, "hls"), files, sizeBytes: 11, sha256: "0" },
        name,
        { signal: going },
      );
      for (const [url, wanted, bytes] of [
        [movie.url, null, "a movie"],
        [`${hls.url}/index.m3u8`, "index.m3u8", "#EXT"],
        [`${hls.url}/index.m3u8`, "00000.ts", "segment"],
      ] as const) {
        await using found = await reading.find(url, wanted, going);
        expect(found?.sizeBytes).toBe(bytes.length);
        expect(await text((await found?.read({ first: 0, last: 1 })) ?? Readable.from([]))).toBe(
          bytes.slice(0, 2),
        );
      }
      await reading.close();
      await storage.close();
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
