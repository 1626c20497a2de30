import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import {
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { type FauxqsServer, startFauxqs } from "fauxqs";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { AppError } from "@reelgate/shared/errors";
import { openStorage } from "../src/storage/open-storage.ts";
import { parseStorageUrl } from "../src/storage/storage-url.ts";
import type { StagedCopy, StagedFile, Storage } from "../src/storage/storage.ts";
import { sha256 } from "./download-setup.ts";
import { type S3Proxy, startS3Proxy } from "./s3-proxy.ts";

const BUCKET = "recordings-1250000000";
const NAME = "app/live/room/20261123-0.mp4";
const KEY = `some prefix/${NAME}`;
const CREDENTIALS = { accessKeyId: "id", secretAccessKey: "secret" };
const going = new AbortController().signal;

let server: FauxqsServer;
let proxy: S3Proxy;
let direct: S3Client;
let storage: Storage;
let folder: string;

beforeAll(async () => {
  server = await startFauxqs({ port: 0, logger: false });
  direct = new S3Client({
    region: "eu-west-1",
    endpoint: `http://127.0.0.1:${server.port}`,
    forcePathStyle: true,
    credentials: CREDENTIALS,
  });
});

afterAll(async () => {
  direct.destroy();
  await server.stop();
});

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "reelgate-s3-"));
  server.createBucket(BUCKET);
  proxy = await startS3Proxy(server.port);
  storage = await open(`s3://${BUCKET}/some prefix`);
});

afterEach(async () => {
  await storage.close();
  await proxy[Symbol.asyncDispose]();
  server.emptyBucket(BUCKET);
  await rm(folder, { recursive: true });
});

async function open(url: string): Promise<Storage> {
  const target = `${url}?endpoint=${proxy.url}&region=eu-west-1&path_style=true`;
  return await openStorage(parseStorageUrl(target), {
    workFolder: folder,
    credentials: CREDENTIALS,
  });
}

async function stage(name: string, bytes: Uint8Array): Promise<StagedFile> {
  const path = join(folder, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, bytes);
  return { name, sizeBytes: bytes.length, sha256: sha256(bytes) };
}

async function stageFile(bytes: Uint8Array): Promise<StagedCopy> {
  const { sizeBytes, sha256: hash } = await stage("part", bytes);
  return { kind: "file", path: join(folder, "part"), sizeBytes, sha256: hash };
}

async function stored(key: string): Promise<Buffer> {
  const object = await direct.send(new GetObjectCommand({ Bucket: BUCKET, Key: key }));
  return Buffer.from((await object.Body?.transformToByteArray()) ?? []);
}

async function isStored(key: string): Promise<boolean> {
  return await direct.send(new HeadObjectCommand({ Bucket: BUCKET, Key: key })).then(
    () => true,
    () => false,
  );
}

function sent(method: string, pattern: RegExp): number {
  return proxy.requests.filter((seen) => seen.method === method && pattern.test(seen.path)).length;
}

describe("a copy", () => {
  test.each([
    ["without a byte", 0],
    ["in one part", 1_000_000],
    ["in several parts", 20_000_000],
  ])("%s is stored under its name", async (_name, sizeBytes) => {
    const bytes = randomBytes(sizeBytes);
    const seen: number[] = [];
    const { url } = await storage.publish(await stageFile(bytes), NAME, {
      signal: going,
      onProgress: (bytesDone) => seen.push(bytesDone),
    });
    expect(url).toBe(`s3://${BUCKET}/${KEY}`);
    expect(sha256(await stored(KEY))).toBe(sha256(bytes));
    const head = await direct.send(new HeadObjectCommand({ Bucket: BUCKET, Key: KEY }));
    expect(head).toMatchObject({ ContentType: "video/mp4", Metadata: { sha256: sha256(bytes) } });
    expect(seen.at(-1)).toBe(sizeBytes);
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
  });

  test("goes out with signed content, without the checksums that others refuse", async () => {
    await storage.publish(await stageFile(randomBytes(20_000_000)), NAME, { signal: going });
    const parts = proxy.requests.filter(({ path }) => path.includes("partNumber="));
    expect(parts).toHaveLength(3);
    for (const { headers } of proxy.requests) {
      expect(
        Object.keys(headers).filter((name) => /^x-amz-(checksum|sdk-checksum)/.test(name)),
      ).toEqual([]);
      expect(headers["content-encoding"]).toBeUndefined();
    }
    expect(parts.map(({ headers }) => headers["x-amz-content-sha256"])).toEqual(
      parts.map(() => expect.stringMatching(/^[0-9a-f]{64}$/)),
    );
  });

  test("of many files appears with the last of them", async () => {
    const files = [
      await stage("00000.ts", randomBytes(1000)),
      await stage("SHA256SUMS", randomBytes(100)),
      await stage("index.m3u8", Buffer.from("#EXTM3U\n")),
    ];
    const copy: StagedCopy = {
      kind: "folder",
      path: folder,
      files,
      sizeBytes: 1108,
      sha256: files[1]?.sha256 ?? "",
    };
    const seen: [number, number][] = [];
    const { url } = await storage.publish(copy, "app/hls", {
      signal: going,
      onProgress: (bytesDone, filesDone) => seen.push([bytesDone, filesDone]),
    });
    expect(url).toBe(`s3://${BUCKET}/some prefix/app/hls`);
    const puts = proxy.requests.filter(({ method }) => method === "PUT").map(({ path }) => path);
    const names = puts.map((path) => path.split("/").at(-1)?.split("?")[0]);
    expect(new Set(names)).toEqual(new Set(["00000.ts", "SHA256SUMS", "index.m3u8"]));
    expect(names).toHaveLength(3);
    expect(names.at(-1)).toBe("index.m3u8");
    expect(seen.at(-1)).toEqual([1108, 3]);
    expect(String(await stored("some prefix/app/hls/index.m3u8"))).toBe("#EXTM3U\n");
  });

  test("of many files goes out eight at a time, but for the last", async () => {
    const files = await Promise.all(
      Array.from({ length: 17 }, (_, index) => stage(`${index}.ts`, randomBytes(100))),
    );
    let waiting = 0;
    let most = 0;
    let withLast = 0;
    const eight = Promise.withResolvers<void>();
    proxy.fault = async ({ method, path }) => {
      if (method === "PUT") {
        waiting += 1;
        most = Math.max(most, waiting);
        if (waiting === 8) {
          eight.resolve();
        }
        // The first of them wait for each other, so it is not chance that there are eight.
        await eight.promise;
        withLast = path.includes("/16.ts") ? waiting : withLast;
        waiting -= 1;
      }
      return null;
    };
    const copy: StagedCopy = { kind: "folder", path: folder, files, sizeBytes: 1700, sha256: "" };
    await storage.publish(copy, "app/hls", { signal: going });
    expect(most).toBe(8);
    expect(withLast).toBe(1);
    expect(sent("PUT", /\.ts/)).toBe(17);
  });

  test("that an earlier try stored counts as stored, and costs no upload", async () => {
    const copy = await stageFile(randomBytes(1000));
    await storage.publish(copy, NAME, { signal: going });
    await rm(join(folder, "part"));
    await storage.publish(copy, NAME, { signal: going });
    expect(sent("PUT", /./)).toBe(1);
  });

  test("never replaces another one", async () => {
    const first = randomBytes(1000);
    await storage.publish(await stageFile(first), NAME, { signal: going });
    const second = await stageFile(randomBytes(1000));
    await expect(storage.publish(second, NAME, { signal: going })).rejects.toMatchObject({
      code: "storage_conflict",
      retryable: false,
    });
    expect(await stored(KEY)).toEqual(first);
  });

  test.each([
    ["the same bytes", 1000, null],
    ["other bytes", 1001, "storage_conflict"],
  ])("that loses a race against %s", async (_name, sizeBytes, code) => {
    const bytes = randomBytes(1000);
    const copy = await stageFile(bytes);
    const rival = sizeBytes === 1000 ? bytes : randomBytes(sizeBytes);
    const put = new PutObjectCommand({
      Bucket: BUCKET,
      Key: KEY,
      Body: rival,
      Metadata: { sha256: sha256(rival) },
    });
    // The name is free when it is looked at, and taken when the upload ends.
    proxy.fault = async ({ method }) => {
      if (method !== "PUT") {
        return null;
      }
      await direct.send(put);
      return { kind: "error", status: 412, code: "PreconditionFailed" };
    };
    const publish = storage.publish(copy, NAME, { signal: going });
    const outcome = await publish.then(
      () => null,
      (error: unknown) => (error as AppError).code,
    );
    expect(outcome).toBe(code);
    expect(await stored(KEY)).toEqual(rival);
  });

  test("asks for the name to be free, and does without where that is not known", async () => {
    proxy.fault = ({ headers }) =>
      headers["if-none-match"] === "*"
        ? { kind: "error", status: 501, code: "NotImplemented" }
        : null;
    await storage.publish(await stageFile(randomBytes(1000)), NAME, { signal: going });
    expect(await isStored(KEY)).toBe(true);
    const conditions = proxy.requests
      .filter(({ method }) => method === "PUT")
      .map(({ headers }) => headers["if-none-match"]);
    expect(conditions).toEqual(["*", undefined]);
  });
});

describe("what fails", () => {
  test.each([
    [403, "QuotaExceeded", "storage_full"],
    [507, "InsufficientStorage", "storage_full"],
    [507, "Unknown", "storage_full"],
    [403, "AccessDenied", "storage_refused"],
    [403, "InvalidAccessKeyId", "storage_refused"],
    [403, "SignatureDoesNotMatch", "storage_refused"],
    [404, "NoSuchBucket", "storage_refused"],
    [400, "PathStyleDomainForbidden", "storage_refused"],
    [301, "PermanentRedirect", "storage_refused"],
    [500, "InternalError", "storage_unavailable"],
    [503, "SlowDown", "storage_unavailable"],
    [429, "TooManyRequests", "storage_unavailable"],
  ])("with %i %s is %s", async (status, code, expected) => {
    proxy.fault = ({ method }) => (method === "PUT" ? { kind: "error", status, code } : null);
    const copy = await stageFile(randomBytes(1000));
    await expect(storage.publish(copy, NAME, { signal: going })).rejects.toMatchObject({
      code: expected,
      message: expect.stringMatching(new RegExp(`^s3://${BUCKET}/.*: .*${code}`)),
    });
    expect(await isStored(KEY)).toBe(false);
  });

  test("for real: a bucket that is not there", async () => {
    const other = await open("s3://no-such-bucket");
    const copy = await stageFile(randomBytes(1000));
    await expect(other.publish(copy, NAME, { signal: going })).rejects.toMatchObject({
      code: "storage_refused",
      message: expect.stringContaining("no such bucket"),
    });
    await other.close();
  });

  test("for real: a storage that is not there", async () => {
    const copy = await stageFile(randomBytes(1000));
    await proxy[Symbol.asyncDispose]();
    await expect(storage.publish(copy, NAME, { signal: going })).rejects.toMatchObject({
      code: "storage_unavailable",
    });
    proxy = await startS3Proxy(server.port);
  });

  test("G4: an upload that fails in the middle is aborted, and nothing has the name", async () => {
    proxy.fault = ({ path }) =>
      path.includes("partNumber=3") ? { kind: "error", status: 403, code: "QuotaExceeded" } : null;
    const copy = await stageFile(randomBytes(20_000_000));
    await expect(storage.publish(copy, NAME, { signal: going })).rejects.toMatchObject({
      code: "storage_full",
    });
    expect(await isStored(KEY)).toBe(false);
    expect(sent("DELETE", /uploadId=/)).toBe(1);
  });

  test("G4: a shutdown in the middle aborts the upload before it returns", async () => {
    proxy.fault = ({ path }) => (path.includes("partNumber=2") ? { kind: "hang" } : null);
    const abort = new AbortController();
    const copy = await stageFile(randomBytes(20_000_000));
    const publish = storage.publish(copy, NAME, { signal: abort.signal });
    await expect.poll(() => sent("PUT", /partNumber=2/)).toBe(1);
    abort.abort(new Error("shutdown"));
    await expect(publish).rejects.toThrow("shutdown");
    expect(sent("DELETE", /uploadId=/)).toBe(1);
    expect(await isStored(KEY)).toBe(false);
    proxy.fault = () => null;
    await storage.publish(copy, NAME, { signal: going });
    expect(await isStored(KEY)).toBe(true);
  });

  test("a connection that is reset once is tried again by itself", async () => {
    let resets = 0;
    proxy.fault = ({ method }) => {
      resets += method === "PUT" ? 1 : 0;
      return method === "PUT" && resets === 1 ? { kind: "reset" } : null;
    };
    await storage.publish(await stageFile(randomBytes(1000)), NAME, { signal: going });
    expect(await isStored(KEY)).toBe(true);
  });
});
