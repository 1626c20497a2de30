import { join } from "node:path";
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AppError, ErrorCode } from "@reelgate/shared/errors";
import {
  type MediaOrigin,
  type OriginFault,
  startMediaOrigin,
} from "@reelgate/testkit/media-origin";
import { parseAllowedHosts } from "../src/guard/allowed-hosts.ts";
import { createMediaClient, type MediaClient } from "../src/http/media-client.ts";

const SAMPLES_FOLDER = join(import.meta.dirname, "../../simulator/media");

const MP4 = readFileSync(`${SAMPLES_FOLDER}/sample.mp4`);
let origin: MediaOrigin;
let client: MediaClient;
/** For what must time out; everything else has time, also on a busy machine. */
let hurried: MediaClient;

beforeAll(async () => {
  origin = await startMediaOrigin({ root: SAMPLES_FOLDER, files: { "/empty": "" } });
  const allowedHosts = parseAllowedHosts("127.0.0.1, ::1, *.origin.example");
  client = createMediaClient({ allowedHosts });
  hurried = createMediaClient({
    allowedHosts,
    headersTimeoutMs: 1000,
    bodyIdleTimeoutMs: 1000,
    totalTimeoutMs: 3000,
  });
});

afterAll(async () => {
  await client.close();
  await hurried.close();
  await origin[Symbol.asyncDispose]();
});

async function readAll(body: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) {
    chunks.push(chunk);
  }
  return chunks;
}

/** An address of its own for each case, so that no case inherits another's misbehaviour. */
function serve(name: string, fault: OriginFault): string {
  const path = `/${name}`;
  origin.setFile(path, MP4);
  origin.setFault(path, fault);
  return origin.url + path;
}

describe("the beginning of a file", () => {
  test("comes with what the origin says about the whole", async () => {
    const prefix = await client.readPrefix(`${origin.url}/sample.mp4`, 100);
    expect(prefix).toMatchObject({ status: 206, totalSizeBytes: MP4.length });
    expect(prefix.finalUrl.href).toBe(`${origin.url}/sample.mp4`);
    expect(prefix.etag).toMatch(/^"[0-9a-f]{32}"$/);
    expect(prefix.lastModified).toMatch(/GMT$/);
    expect(Buffer.from(prefix.bytes)).toEqual(MP4.subarray(0, 100));
  });

  test("is the whole of a short file", async () => {
    const prefix = await client.readPrefix(`${origin.url}/sample.mp4`, 1_000_000);
    expect(Buffer.from(prefix.bytes)).toEqual(MP4);
  });

  test("asks for the bytes as they are, and says who asks", async () => {
    await client.readPrefix(`${origin.url}/sample.mp4?who`, 10);
    const seen = origin.requests.find(({ path }) => path === "/sample.mp4?who");
    expect(seen).toMatchObject({
      method: "GET",
      headers: { range: "bytes=0-9", "accept-encoding": "identity", "user-agent": "reelgate" },
    });
  });

  test("of an origin that ignores ranges ends where enough is read", async () => {
    const url = serve("no-range", { kind: "no-range" });
    const prefix = await client.readPrefix(url, 100);
    expect(prefix).toMatchObject({ status: 200, totalSizeBytes: MP4.length });
    expect(Buffer.from(prefix.bytes)).toEqual(MP4.subarray(0, 100));
  });

  test("without a Content-Length has a size only when the end was seen", async () => {
    const url = serve("chunked", { kind: "chunked" });
    expect(await client.readPrefix(url, 100)).toMatchObject({ status: 200, totalSizeBytes: null });
    expect(await client.readPrefix(url, 1_000_000)).toMatchObject({ totalSizeBytes: MP4.length });
  });

  test("of an empty file is empty, whether the 416 tells its size or not", async () => {
    const told = await client.readPrefix(`${origin.url}/empty`, 100);
    expect(told).toMatchObject({ status: 416, totalSizeBytes: 0 });
    expect(told.bytes).toHaveLength(0);
    origin.setFile("/silent", "");
    origin.setFault("/silent", { kind: "status", status: 416 }, { times: 1 });
    const silent = await client.readPrefix(`${origin.url}/silent`, 100);
    expect(silent).toMatchObject({ status: 200, totalSizeBytes: 0 });
  });

  test("behind a 416 that is wrong is read without a range", async () => {
    origin.setFile("/odd", MP4);
    origin.setFault(
      "/odd",
      { kind: "status", status: 416, headers: { "content-range": "bytes */7" } },
      { times: 1 },
    );
    const prefix = await client.readPrefix(`${origin.url}/odd`, 100);
    expect(prefix).toMatchObject({ status: 200, totalSizeBytes: MP4.length });
  });

  test("after redirects is that of the last address", async () => {
    const url = serve("chain", { kind: "redirect-chain", hops: 5 });
    const prefix = await client.readPrefix(url, 10);
    expect(prefix.finalUrl.href).toBe(`${origin.url}/chain?hop=5`);
  });

  test("takes few connections for many small reads", async () => {
    await using own = await startMediaOrigin({ root: SAMPLES_FOLDER });
    for (let read = 0; read < 20; read += 1) {
      await client.readPrefix(`${own.url}/sample.mp4`, 1);
    }
    expect(own.requests).toHaveLength(20);
    expect(own.connections).toBeLessThanOrEqual(2);
  });
});

describe("a part of a file", () => {
  test("is exactly the part that was asked for", async () => {
    const response = await client.open(`${origin.url}/sample.mp4`, {
      range: { start: 1000, end: 1999 },
    });
    expect(response).toMatchObject({ status: 206, range: { start: 1000, end: 1999 } });
    expect(Buffer.concat(await readAll(response.body))).toEqual(MP4.subarray(1000, 2000));
  });

  test("without an end goes to the end", async () => {
    const response = await client.open(`${origin.url}/sample.mp4`, { range: { start: 55_000 } });
    expect(Buffer.concat(await readAll(response.body))).toEqual(MP4.subarray(55_000));
  });

  test("beyond the end is a 416 with the size", async () => {
    const response = await client.open(`${origin.url}/sample.mp4`, { range: { start: 1e9 } });
    expect(response).toMatchObject({ status: 416, totalSizeBytes: MP4.length });
    expect(await readAll(response.body)).toEqual([]);
  });

  test("that begins elsewhere is refused, though its length fits", async () => {
    const contentRange = `bytes 900-${MP4.length - 101}/${MP4.length}`;
    const url = serve("shifted", { kind: "wrong-206", contentRange });
    await expect(client.open(url, { range: { start: 1000 } })).rejects.toMatchObject({
      code: "media_bad_response",
    });
  });

  test("can be left unread", async () => {
    const response = await client.open(serve("left", { kind: "infinite" }));
    await response.close();
    await expect(readAll(response.body)).rejects.toMatchObject({
      code: "media_connection_failed",
    });
  });
});

describe("what goes wrong has its code", () => {
  test.each<[name: string, fault: OriginFault, code: ErrorCode]>([
    ["404", { kind: "status", status: 404 }, "media_not_found"],
    ["410", { kind: "status", status: 410 }, "media_not_found"],
    ["401", { kind: "status", status: 401 }, "media_forbidden"],
    ["403", { kind: "status", status: 403 }, "media_forbidden"],
    ["429", { kind: "status", status: 429 }, "media_rate_limited"],
    ["500", { kind: "status", status: 500 }, "media_origin_error"],
    ["503", { kind: "status", status: 503 }, "media_origin_error"],
    ["400", { kind: "status", status: 400 }, "media_http_error"],
    ["204", { kind: "status", status: 204 }, "media_bad_response"],
    ["300", { kind: "status", status: 300 }, "media_bad_response"],
    ["304", { kind: "status", status: 304 }, "media_bad_response"],
    ["a redirect without Location", { kind: "status", status: 302 }, "media_bad_response"],
    ["a redirect loop", { kind: "redirect-chain" }, "media_too_many_redirects"],
    ["six redirects", { kind: "redirect-chain", hops: 6 }, "media_too_many_redirects"],
    ["gzip", { kind: "gzip" }, "media_bad_response"],
    ["206 without Content-Range", { kind: "wrong-206", contentRange: null }, "media_bad_response"],
    [
      "206 from elsewhere",
      { kind: "wrong-206", contentRange: `bytes 100-199/${MP4.length}` },
      "media_bad_response",
    ],
    [
      "206 of more than was asked for",
      { kind: "wrong-206", contentRange: `bytes 0-200/${MP4.length}` },
      "media_bad_response",
    ],
    [
      "206 of another length",
      { kind: "wrong-206", contentRange: "bytes 0-98/500" },
      "media_bad_response",
    ],
    [
      "206 beyond its total",
      { kind: "wrong-206", contentRange: "bytes 0-99/50" },
      "media_bad_response",
    ],
    [
      "206 that is no range",
      { kind: "wrong-206", contentRange: "bytes */500" },
      "media_bad_response",
    ],
    ["a reset before the first byte", { kind: "drop", atByte: 0 }, "media_connection_failed"],
    ["a reset in the middle", { kind: "drop", atByte: 50 }, "media_connection_failed"],
    ["no answer", { kind: "no-answer" }, "media_timeout"],
    ["a stalled body", { kind: "stall", atByte: 50 }, "media_timeout"],
    ["a body that drips", { kind: "slow", chunkBytes: 1, intervalMs: 50 }, "media_timeout"],
  ])("%s", async (name, fault, code) => {
    const url = `${serve(name.replaceAll(" ", "-"), fault)}?sign=s3cret`;
    const reader = code === "media_timeout" ? hurried : client;
    await expect(reader.readPrefix(url, 100)).rejects.toMatchObject({
      code,
      message: expect.not.stringContaining("s3cret"),
    });
  });

  test.each([
    ["seconds", () => "120"],
    ["a date", () => new Date(Date.now() + 120_000).toUTCString()],
  ])("Retry-After as %s is handed on", async (_name, makeValue) => {
    const value = makeValue();
    const url = serve("wait", { kind: "status", status: 503, headers: { "retry-after": value } });
    // A client of its own: it leaves the host alone for a while now.
    const refused = createMediaClient({ allowedHosts: parseAllowedHosts("127.0.0.1") });
    const failure: unknown = await refused.readPrefix(url, 100).catch((error: unknown) => error);
    await refused.close();
    expect(failure).toMatchObject({ code: "media_rate_limited" });
    const { retryAfterMs } = failure as AppError;
    expect(retryAfterMs).toBeGreaterThan(100_000);
    expect(retryAfterMs).toBeLessThanOrEqual(120_000);
  });

  test("a refused connection", async () => {
    const closed = await startMediaOrigin();
    await closed[Symbol.asyncDispose]();
    await expect(client.readPrefix(closed.url, 1)).rejects.toMatchObject({
      code: "media_connection_failed",
    });
  });

  test.each<[name: string, answer: () => Promise<never[]>]>([
    ["no address", async () => []],
    [
      "the resolver's error",
      async () => {
        throw Object.assign(new Error("getaddrinfo ENOTFOUND"), { code: "ENOTFOUND" });
      },
    ],
  ])("a name with %s", async (_name, resolve) => {
    const own = createMediaClient({ allowedHosts: parseAllowedHosts("*.origin.example"), resolve });
    await expect(own.readPrefix("http://a.origin.example/x", 1)).rejects.toMatchObject({
      code: "media_dns_failed",
    });
    await own.close();
  });

  test("a resolver that never answers ends with the connect timeout", async () => {
    const own = createMediaClient({
      allowedHosts: parseAllowedHosts("*.origin.example"),
      connectTimeoutMs: 200,
      resolve: () => new Promise(() => {}),
    });
    await expect(own.readPrefix("http://a.origin.example/x", 1)).rejects.toMatchObject({
      code: "media_timeout",
    });
    await own.close();
  });

  test("a refused connection to an allowed IPv6 address", async () => {
    const closed = await startMediaOrigin();
    await closed[Symbol.asyncDispose]();
    await expect(client.readPrefix(`http://[::1]:${closed.port}/`, 1)).rejects.toMatchObject({
      code: "media_connection_failed",
    });
  });

  test("a closed client", async () => {
    const own = createMediaClient({ allowedHosts: parseAllowedHosts("127.0.0.1") });
    await own.close();
    await expect(own.readPrefix(`${origin.url}/sample.mp4`, 1)).rejects.toMatchObject({
      code: "media_connection_failed",
    });
  });
});

describe("an aborted read", () => {
  test("fails with the reason, before, during headers and during the body", async () => {
    const reason = new Error("shutting down");
    await expect(
      client.readPrefix(`${origin.url}/sample.mp4`, 1, AbortSignal.abort(reason)),
    ).rejects.toBe(reason);

    for (const [name, fault] of [
      ["abort-headers", { kind: "no-answer" }],
      ["abort-body", { kind: "stall", atByte: 10 }],
    ] as const) {
      const url = serve(name, fault);
      const controller = new AbortController();
      const read = client.readPrefix(url, 100, controller.signal);
      await expect.poll(() => origin.requests.some(({ path }) => path === `/${name}`)).toBe(true);
      controller.abort(reason);
      await expect(read).rejects.toBe(reason);
    }
  });
});
