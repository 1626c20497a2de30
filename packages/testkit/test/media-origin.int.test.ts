import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type MediaOrigin, startMediaOrigin } from "../src/media-origin.ts";

const SAMPLES_FOLDER = join(import.meta.dirname, "../../simulator/media");

let origin: MediaOrigin;

beforeEach(async () => {
  origin = await startMediaOrigin({
    root: SAMPLES_FOLDER,
    files: { "/digits": "0123456789" },
  });
});

afterEach(async () => {
  await origin[Symbol.asyncDispose]();
});

function get(path: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(origin.url + path, { headers, redirect: "manual" });
}

describe("an origin without faults", () => {
  test("serves files and folders with their validators", async () => {
    const response = await get("/digits");
    expect(response.status).toBe(200);
    expect(response.headers.get("content-length")).toBe("10");
    expect(response.headers.get("etag")).toMatch(/^"[0-9a-f]{32}"$/);
    expect(await response.text()).toBe("0123456789");
    expect((await get("/hls/sample.m3u8")).status).toBe(200);
  });

  test.each([
    ["bytes=0-0", 206, "bytes 0-0/10", "0"],
    ["bytes=2-4", 206, "bytes 2-4/10", "234"],
    ["bytes=8-99", 206, "bytes 8-9/10", "89"],
    ["bytes=7-", 206, "bytes 7-9/10", "789"],
    ["bytes=10-", 416, "bytes */10", ""],
    ["nonsense", 200, null, "0123456789"],
  ])("answers %s with %i %s", async (range, status, contentRange, text) => {
    const response = await get("/digits", { range });
    expect(response.status).toBe(status);
    expect(response.headers.get("content-range")).toBe(contentRange);
    expect(await response.text()).toBe(text);
  });

  test("serves nothing outside its folder", async () => {
    const response = await get("/..%2f..%2f..%2fpackage.json");
    expect(response.status).toBe(404);
    expect(await response.text()).toContain("NoSuchKey");
  });

  test("records requests, connections and bytes", async () => {
    await (await get("/digits?a=1", { range: "bytes=0-3" })).text();
    expect(origin.requests).toMatchObject([
      { method: "GET", path: "/digits?a=1", headers: { range: "bytes=0-3" } },
    ]);
    expect(origin.connections).toBe(1);
    expect(origin.sentBytes).toBe(4);
  });
});

describe("a fault", () => {
  test("can be for so many requests, or until it is taken back", async () => {
    origin.setFault("/digits", { kind: "status", status: 503 }, { times: 2 });
    const statuses = [await get("/digits"), await get("/digits"), await get("/digits")];
    expect(statuses.map(({ status }) => status)).toEqual([503, 503, 200]);
    origin.setFault("/digits", { kind: "status", status: 429, headers: { "retry-after": "1" } });
    expect((await get("/digits")).headers.get("retry-after")).toBe("1");
    origin.setFault("/digits", null);
    expect((await get("/digits")).status).toBe(200);
  });

  test("of ranges", async () => {
    const range = { range: "bytes=2-4" };
    origin.setFault("/digits", { kind: "no-range" });
    expect(await (await get("/digits", range)).text()).toBe("0123456789");
    origin.setFault("/digits", { kind: "wrong-206", contentRange: "bytes 5-7/10" });
    const wrong = await get("/digits", range);
    expect([wrong.status, wrong.headers.get("content-range")]).toEqual([206, "bytes 5-7/10"]);
    expect(await wrong.text()).toBe("234");
  });

  test("of the body", async () => {
    origin.setFault("/digits", { kind: "slow", chunkBytes: 3, intervalMs: 1 });
    expect(await (await get("/digits")).text()).toBe("0123456789");
    origin.setFault("/digits", { kind: "truncated", atByte: 4 });
    expect(await (await get("/digits")).text()).toBe("0123");
    origin.setFault("/digits", { kind: "chunked" });
    const chunked = await get("/digits", { range: "bytes=0-0" });
    expect(chunked.headers.get("content-length")).toBeNull();
    expect(await chunked.text()).toBe("0123456789");
    origin.setFault("/digits", { kind: "gzip" });
    const { request } = await import("node:http");
    const zipped = await new Promise<Buffer>((resolve, reject) => {
      request(`${origin.url}/digits`, (response) => {
        response.toArray().then((chunks: Buffer[]) => resolve(Buffer.concat(chunks)), reject);
      })
        .on("error", reject)
        .end();
    });
    expect(gunzipSync(zipped).toString()).toBe("0123456789");
  });

  test("that drops the connection, before or in the middle of the body", async () => {
    origin.setFault("/digits", { kind: "drop", atByte: 0 });
    await expect(get("/digits").then((response) => response.text())).rejects.toThrow(TypeError);
    for (const how of ["reset", "close"] as const) {
      origin.setFault("/digits", { kind: "drop", atByte: 5, how });
      await expect(get("/digits").then((response) => response.text())).rejects.toThrow(TypeError);
    }
  });

  test("that redirects: somewhere, so often, for ever", async () => {
    origin.setFault("/digits", { kind: "redirect", location: "ftp://x/", status: 307 });
    const away = await get("/digits");
    expect([away.status, away.headers.get("location")]).toEqual([307, "ftp://x/"]);
    origin.setFault("/digits", { kind: "redirect-chain", hops: 3 });
    expect(await (await fetch(`${origin.url}/digits`)).text()).toBe("0123456789");
    origin.setFault("/digits", { kind: "redirect-chain" });
    await expect(fetch(`${origin.url}/digits`)).rejects.toThrow(TypeError);
  });

  test.each([{ kind: "no-answer" }, { kind: "stall", atByte: 3 }, { kind: "infinite" }] as const)(
    "that never ends ($kind) ends with the origin",
    async (fault) => {
      origin.setFault("/digits", fault);
      const ended = get("/digits")
        .then((response) => response.text())
        .catch((error: unknown) => error);
      await expect.poll(() => origin.requests.length).toBe(1);
      await origin[Symbol.asyncDispose]();
      expect(await ended).toBeInstanceOf(TypeError);
      origin = await startMediaOrigin();
    },
  );
});
