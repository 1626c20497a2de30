import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sampleFile } from "../src/media-samples.ts";
import { startOrigin } from "../src/origin.ts";
import type { Origin } from "../src/origin.ts";

const BYTES = Buffer.from("0123456789");
let origin: Origin;

beforeAll(async () => {
  origin = await startOrigin(0, "127.0.0.1");
  const sample = sampleFile(BYTES, "video/mp4");
  origin.publish(
    new Map([
      ["/a/f0.mp4", { sample, truncatedTo: null }],
      ["/b/f0.mp4", { sample, truncatedTo: 6 }],
    ]),
  );
});
afterAll(async () => {
  await origin.close();
});

const get = async (
  path: string,
  headers: Record<string, string> = {},
  method = "GET",
): Promise<{ status: number; text: string; headers: Headers }> => {
  const response = await fetch(`${origin.baseUrl}${path}`, { headers, method });
  return { status: response.status, text: await response.text(), headers: response.headers };
};

describe("the media origin", () => {
  it("serves whole files with length, type and a validator, whatever the query", async () => {
    const answer = await get("/a/f0.mp4?t=65a&sign=b");
    expect(answer).toMatchObject({ status: 200, text: "0123456789" });
    expect(answer.headers.get("content-length")).toBe("10");
    expect(answer.headers.get("content-type")).toBe("video/mp4");
    expect(answer.headers.get("etag")).toMatch(/^"[0-9a-f]{32}"$/u);
    expect(answer.headers.get("accept-ranges")).toBe("bytes");
  });

  it("serves a truncated file as though that were all", async () => {
    const [whole, cut] = [await get("/a/f0.mp4"), await get("/b/f0.mp4")];
    expect(cut.text).toBe("012345");
    expect(cut.headers.get("content-length")).toBe("6");
    expect(cut.headers.get("etag")).not.toBe(whole.headers.get("etag"));
    const end = await get("/b/f0.mp4", { range: "bytes=-2" });
    expect(end.text).toBe("45");
  });

  it.each([
    ["bytes=0-3", "0123", "bytes 0-3/10"],
    ["bytes=7-", "789", "bytes 7-9/10"],
    ["bytes=-3", "789", "bytes 7-9/10"],
    ["bytes=8-99", "89", "bytes 8-9/10"],
    ["bytes=-99", "0123456789", "bytes 0-9/10"],
  ])("serves %s", async (range, text, contentRange) => {
    const answer = await get("/a/f0.mp4", { range });
    expect(answer).toMatchObject({ status: 206, text });
    expect(answer.headers.get("content-range")).toBe(contentRange);
  });

  it.each(["bytes=10-", "bytes=99-120", "bytes=-0"])("cannot satisfy %s", async (range) => {
    const answer = await get("/a/f0.mp4", { range });
    expect(answer).toMatchObject({ status: 416, text: "" });
    expect(answer.headers.get("content-range")).toBe("bytes */10");
  });

  it.each(["bytes=0-1,4-5", "bytes=5-2", "bytes=-", "chunks=0-1"])(
    "serves all for %s",
    async (range) => {
      expect(await get("/a/f0.mp4", { range })).toMatchObject({ status: 200, text: "0123456789" });
    },
  );

  it("serves a range only of the version that If-Range names", async () => {
    const { headers } = await get("/a/f0.mp4");
    const etag = headers.get("etag") ?? "";
    const range = "bytes=0-1";
    expect(await get("/a/f0.mp4", { range, "if-range": etag })).toMatchObject({ status: 206 });
    expect(await get("/a/f0.mp4", { range, "if-range": '"old"' })).toMatchObject({ status: 200 });
  });

  it("answers HEAD without a body, 404 for what is not published, 405 for other methods", async () => {
    const head = await get("/a/f0.mp4", {}, "HEAD");
    expect(head).toMatchObject({ status: 200, text: "" });
    expect(head.headers.get("content-length")).toBe("10");
    expect(await get("/c/f0.mp4")).toMatchObject({ status: 404 });
    expect(await get("/a/../../etc/passwd")).toMatchObject({ status: 404 });
    expect(await get("/a/f0.mp4", {}, "DELETE")).toMatchObject({ status: 405 });
  });

  it("says so when its port is taken", async () => {
    await expect(startOrigin(origin.port, "127.0.0.1")).rejects.toThrow("EADDRINUSE");
  });

  it("listens at the address that it is given, and there alone", async () => {
    const other = await startOrigin(0, "127.0.0.2");
    try {
      expect(other.baseUrl).toBe(`http://127.0.0.2:${other.port}`);
      expect(await fetch(`${other.baseUrl}/none`)).toMatchObject({ status: 404 });
      await expect(fetch(`http://127.0.0.1:${other.port}/none`)).rejects.toThrow("fetch failed");
    } finally {
      await other.close();
    }
  });
});
