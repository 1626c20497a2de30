import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type MediaOrigin, startMediaOrigin } from "../src/media-origin.ts";

let origin: MediaOrigin;

beforeEach(async () => {
  origin = await startMediaOrigin({ files: { "/digits": "0123456789" } });
});

afterEach(async () => {
  await origin[Symbol.asyncDispose]();
});

function get(path: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(origin.url + path, { headers });
}

async function text(path: string, headers: Record<string, string> = {}): Promise<string> {
  return (await get(path, headers)).text();
}

describe("validators", () => {
  test.each([
    ["strong-etag", /^"[0-9a-f]{32}"$/, true],
    ["weak-etag", /^W\/"[0-9a-f]{32}"$/, true],
    ["last-modified", null, true],
    ["none", null, false],
  ] as const)("%s", async (validators, etag, hasDate) => {
    origin.setValidators("/digits", validators);
    const { headers } = await get("/digits");
    expect(headers.has("last-modified")).toBe(hasDate);
    expect(headers.get("etag") ?? "").toMatch(etag ?? /^$/);
  });

  test("of another content are others", async () => {
    const before = await get("/digits");
    origin.setFile("/digits", "9876543210");
    const after = await get("/digits");
    for (const name of ["etag", "last-modified"]) {
      expect(after.headers.get(name)).not.toBe(before.headers.get(name));
    }
  });
});

describe("If-Range", () => {
  const range = { range: "bytes=2-4" };

  test("is met by the very tag or date", async () => {
    const { headers } = await get("/digits");
    for (const name of ["etag", "last-modified"]) {
      const answer = await get("/digits", { ...range, "if-range": headers.get(name) ?? "" });
      expect([answer.status, await answer.text()]).toEqual([206, "234"]);
    }
  });

  test.each(['"another"', "Thu, 01 Jan 1998 00:00:00 GMT", "nonsense"])(
    "%s brings the whole file",
    async (condition) => {
      const answer = await get("/digits", { ...range, "if-range": condition });
      expect([answer.status, await answer.text()]).toEqual([200, "0123456789"]);
    },
  );

  test("is never met by a weak tag", async () => {
    origin.setValidators("/digits", "weak-etag");
    const { headers } = await get("/digits");
    const answer = await get("/digits", { ...range, "if-range": headers.get("etag") ?? "" });
    expect(answer.status).toBe(200);
  });

  test("means nothing without Range", async () => {
    expect((await get("/digits", { "if-range": '"another"' })).status).toBe(200);
  });

  test("can be ignored by a fault: a part of another file", async () => {
    const { headers } = await get("/digits");
    origin.setFile("/digits", "abcdefghij");
    origin.setFault("/digits", { kind: "ignores-if-range" });
    const answer = await get("/digits", { ...range, "if-range": headers.get("etag") ?? "" });
    expect([answer.status, await answer.text()]).toEqual([206, "cde"]);
  });
});

describe("a replacement", () => {
  test("comes with the n-th request from now on", async () => {
    await text("/digits");
    origin.setReplacement("/digits", "new", { fromRequest: 2 });
    expect([await text("/digits"), await text("/digits"), await text("/digits")]).toEqual([
      "0123456789",
      "new",
      "new",
    ]);
  });

  test("comes when so many bytes were sent", async () => {
    origin.setReplacement("/digits", "new", { afterBytes: 12 });
    expect([await text("/digits"), await text("/digits"), await text("/digits")]).toEqual([
      "0123456789",
      "0123456789",
      "new",
    ]);
  });

  test("goes together with a fault", async () => {
    origin.setReplacement("/digits", "a newer file", { fromRequest: 2 });
    origin.setFault("/digits", { kind: "drop", atByte: 4 }, { times: 1 });
    await expect(text("/digits")).rejects.toThrow(TypeError);
    expect(await text("/digits", { range: "bytes=4-" })).toBe("wer file");
  });
});
