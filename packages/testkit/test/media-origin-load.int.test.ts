import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import {
  type MediaOrigin,
  type MediaOriginOptions,
  startMediaOrigin,
} from "../src/media-origin.ts";

async function start(options: MediaOriginOptions): Promise<MediaOrigin> {
  const origin = await startMediaOrigin(options);
  onTestFinished(() => origin[Symbol.asyncDispose]());
  return origin;
}

const LETTERS = "abcdefghij";

describe("a sparse file", () => {
  test("larger than memory serves its parts, zeros between them, and its true size", async () => {
    const origin = await start({});
    const sizeBytes = 6 * 2 ** 30;
    origin.setSparseFile("/big", sizeBytes, [
      { offset: sizeBytes - 3, bytes: new TextEncoder().encode("end") },
      { offset: 0, bytes: new TextEncoder().encode("start") },
      { offset: 5 * 2 ** 30, bytes: new TextEncoder().encode("part") },
    ]);
    const read = async (range: string): Promise<[string | null, string]> => {
      const answer = await fetch(`${origin.url}/big`, { headers: { range } });
      return [answer.headers.get("content-range"), await answer.text()];
    };
    expect(await read("bytes=0-6")).toEqual([`bytes 0-6/${sizeBytes}`, "start\0\0"]);
    expect((await read("bytes=5368709119-5368709125"))[1]).toBe("\0part\0\0");
    expect((await read("bytes=5368709122-5368709123"))[1]).toBe("rt");
    expect((await read("bytes=-5"))[1]).toBe("\0\0end");
    const [, middle] = await read("bytes=1000000-1700000");
    expect([middle.length, middle.replaceAll("\0", "")]).toEqual([700_001, ""]);
  });
});

describe("a file on disk", () => {
  test("is read no faster than its reader takes it", async () => {
    const folder = await mkdtemp(join(tmpdir(), "origin-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    await writeFile(join(folder, "large"), new Uint8Array(64 * 2 ** 20));
    const origin = await start({ root: folder });
    const answer = await fetch(`${origin.url}/large`);
    const reader = answer.body?.getReader();
    await reader?.read();
    // As long as another reader takes for all of it, this one takes nothing.
    expect((await (await fetch(`${origin.url}/large?again`)).bytes()).length).toBe(64 * 2 ** 20);
    expect(origin.counters("/large").sentBytes).toBeLessThan((64 + 32) * 2 ** 20);
    await reader?.cancel();
    await expect.poll(() => origin.counters("/large").concurrent).toBe(0);
    const tail = await fetch(`${origin.url}/large`, { headers: { range: "bytes=-10" } });
    expect((await tail.bytes()).length).toBe(10);
  });
});

describe("time", () => {
  test("passes before each answer, and while a body is sent", async () => {
    const files = { "/letters": LETTERS, "/large": new Uint8Array(100_000) };
    const origin = await start({ files, latencyMs: 60, bytesPerSecond: 400_000 });
    const timeMs = async (path: string): Promise<number> => {
      const startedAt = performance.now();
      await (await fetch(origin.url + path)).bytes();
      return performance.now() - startedAt;
    };
    expect(await timeMs("/letters")).toBeGreaterThanOrEqual(59);
    expect(await timeMs("/large")).toBeGreaterThanOrEqual(60 + 250 - 2);
  });
});

describe("parts of what was asked for", () => {
  test("come as a legal short 206", async () => {
    const origin = await start({ files: { "/letters": LETTERS } });
    origin.setFault("/letters", { kind: "short-206", maxBytes: 3 });
    const answer = await fetch(`${origin.url}/letters`, { headers: { range: "bytes=2-8" } });
    expect([answer.headers.get("content-range"), await answer.text()]).toEqual([
      "bytes 2-4/10",
      "cde",
    ]);
  });

  test("come before a connection is dropped at every so many bytes of the file", async () => {
    const origin = await start({ files: { "/letters": LETTERS } });
    origin.setFault("/letters", { kind: "drop-every", everyBytes: 4 });
    const received: string[] = [];
    for (let at = 1, tries = 0; at < LETTERS.length && tries < 5; tries += 1) {
      const answer = await fetch(`${origin.url}/letters`, { headers: { range: `bytes=${at}-` } });
      const decoder = new TextDecoder();
      let part = "";
      try {
        for await (const chunk of answer.body ?? []) {
          part += decoder.decode(chunk as Uint8Array);
        }
      } catch {
        // Dropped, as it must be twice.
      }
      received.push(part);
      at += part.length;
    }
    expect(received).toEqual(["bcd", "efgh", "ij"]);
  });
});

describe("many requests", () => {
  test("beyond the limit are refused", async () => {
    const origin = await start({ files: { "/letters": LETTERS }, latencyMs: 50 });
    origin.setConcurrencyLimit({ max: 2, status: 503, retryAfterS: 7 });
    const answers = await Promise.all([0, 1, 2, 3].map(() => fetch(`${origin.url}/letters`)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(2);
    const refused = answers.filter(({ status }) => status === 503);
    expect(refused.map(({ headers }) => headers.get("retry-after"))).toEqual(["7", "7"]);
    await Promise.all(answers.map((answer) => answer.text()));
    expect(origin.maxConcurrent).toBe(2);
    origin.setConcurrencyLimit(null);
    await expect.poll(() => origin.counters("/letters").concurrent).toBe(0);
    const later = await Promise.all([0, 1, 2].map(() => fetch(`${origin.url}/letters`)));
    expect(later.map(({ status }) => status)).toEqual([200, 200, 200]);
    await Promise.all(later.map((answer) => answer.text()));
  });

  test("are counted by path", async () => {
    const origin = await start({ files: { "/letters": LETTERS, "/other": "x" } });
    await (await fetch(`${origin.url}/letters?a=1`, { headers: { range: "bytes=0-3" } })).text();
    await (await fetch(`${origin.url}/letters`)).text();
    await (await fetch(`${origin.url}/other`)).text();
    expect(origin.counters("/letters")).toMatchObject({
      requests: 2,
      ranges: ["bytes=0-3", null],
      sentBytes: 14,
      maxConcurrent: 1,
    });
    expect(origin.sentBytes).toBe(15);
  });

  test("meet the fault of every path, but for a path with its own", async () => {
    const origin = await start({ files: { "/letters": LETTERS, "/other": "x" } });
    origin.setFault("*", { kind: "status", status: 429 });
    origin.setFault("/other", { kind: "status", status: 503 }, { times: 1 });
    const statuses = async (): Promise<number[]> => {
      const answers = [await fetch(`${origin.url}/letters`), await fetch(`${origin.url}/other`)];
      return answers.map(({ status }) => status);
    };
    expect([await statuses(), await statuses()]).toEqual([
      [429, 503],
      [429, 429],
    ]);
  });
});
