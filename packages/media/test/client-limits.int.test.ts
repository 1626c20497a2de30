import { randomBytes } from "node:crypto";
import { afterAll, afterEach, beforeEach, expect, test } from "vitest";
import { type MediaOrigin, startMediaOrigin } from "@reelgate/testkit/media-origin";
import { parseAllowedHosts } from "../src/guard/allowed-hosts.ts";
import {
  createMediaClient,
  type MediaClient,
  type MediaClientOptions,
} from "../src/http/media-client.ts";
import type { MediaResponse } from "../src/http/media-response.ts";

const FILE = randomBytes(200_000);

let origin: MediaOrigin;
let other: MediaOrigin;
const clients: MediaClient[] = [];

beforeEach(async () => {
  origin = await startMediaOrigin({ files: { "/file": FILE }, latencyMs: 20 });
  other = await startMediaOrigin({ files: { "/file": FILE } });
});

afterEach(async () => {
  await origin[Symbol.asyncDispose]();
  await other[Symbol.asyncDispose]();
});

afterAll(async () => {
  await Promise.all(clients.map((client) => client.close()));
});

function client(options: Partial<MediaClientOptions>): MediaClient {
  const made = createMediaClient({ allowedHosts: parseAllowedHosts("127.0.0.1"), ...options });
  clients.push(made);
  return made;
}

async function read(from: MediaClient, url: string, signal?: AbortSignal): Promise<number> {
  const response = await from.open(url, signal === undefined ? {} : { signal });
  let bytes = 0;
  for await (const piece of response.body) {
    bytes += piece.length;
  }
  return bytes;
}

test("no more than so many requests are under way at one host, to the end of their bodies", async () => {
  const limited = client({ perHostConcurrency: 3 });
  const reads = Array.from({ length: 20 }, () => read(limited, `${origin.url}/file`));
  expect(await Promise.all(reads)).toEqual(Array.from({ length: 20 }, () => FILE.length));
  expect(origin.maxConcurrent).toBe(3);
});

test("the wait for a place is not part of a read's time", async () => {
  const limited = client({ perHostConcurrency: 1, totalTimeoutMs: 1000 });
  const held = await limited.open(`${origin.url}/file`, { totalTimeoutMs: null });
  const body = held.body[Symbol.asyncIterator]();
  await body.next();
  const waiting = read(limited, `${origin.url}/file`);
  // The holder reads on, slowly: its place stays its own.
  const startMs = performance.now();
  while (performance.now() - startMs < 1500) {
    await read(limited, `${other.url}/file`);
    await body.next();
  }
  await held.close();
  expect(await waiting).toBe(FILE.length);
});

test("a waiting read ends with its signal", async () => {
  const limited = client({ perHostConcurrency: 1 });
  const held = await limited.open(`${origin.url}/file`);
  const abort = new AbortController();
  const waiting = read(limited, `${origin.url}/file`, abort.signal);
  abort.abort(new Error("shutdown"));
  await expect(waiting).rejects.toThrow("shutdown");
  await held.close();
  expect(await read(limited, `${origin.url}/file`)).toBe(FILE.length);
});

test("a read that holds an answer and asks for another gets it", async () => {
  const limited = client({ perHostConcurrency: 1 });
  const held = await limited.open(`${origin.url}/file`);
  expect(await read(limited, `${origin.url}/file`)).toBe(FILE.length);
  let bytes = 0;
  for await (const piece of held.body) {
    bytes += piece.length;
  }
  expect(bytes).toBe(FILE.length);
});

test("a redirect takes its place at the host that it leads to", async () => {
  const limited = client({ perHostConcurrency: 2 });
  origin.setFault("/moved", { kind: "redirect", location: `${other.url}/file` });
  const reads = Array.from({ length: 12 }, () => read(limited, `${origin.url}/moved`));
  await Promise.all(reads);
  expect(other.maxConcurrent).toBeLessThanOrEqual(2);
  expect(origin.maxConcurrent).toBeLessThanOrEqual(2);
});

test("an origin that refuses more at a time gets fewer", async () => {
  const limited = client({ perHostConcurrency: 8 });
  origin.setConcurrencyLimit({ max: 2, status: 429, retryAfterS: 1 });
  let refusals = 0;
  async function insist(): Promise<number> {
    for (;;) {
      try {
        return await read(limited, `${origin.url}/file`);
      } catch {
        refusals += 1;
      }
    }
  }
  await Promise.all(Array.from({ length: 30 }, insist));
  // Eight at once, then four, then two: the first round is refused 6 times, the second 2 times.
  expect(refusals).toBeGreaterThanOrEqual(6);
  expect(refusals).toBeLessThanOrEqual(12);
});

test("all bodies together keep to the rate", async () => {
  const limited = client({ maxBytesPerSecond: 1_000_000 });
  const startMs = performance.now();
  await Promise.all(Array.from({ length: 6 }, () => read(limited, `${other.url}/file`)));
  const rate = (6 * FILE.length) / ((performance.now() - startMs) / 1000);
  expect(rate).toBeLessThan(1_150_000);
  expect(rate).toBeGreaterThan(500_000);
});

test("a wait for the bandwidth is no slowness of the origin", async () => {
  const limited = client({ maxBytesPerSecond: 200_000, totalTimeoutMs: 300 });
  const sizes = await Promise.all(
    Array.from({ length: 4 }, async () => {
      const lowSpeed = { bytesPerS: 1_000_000, windowMs: 100 };
      const response = await limited.open(`${other.url}/file`, { lowSpeed });
      let bytes = 0;
      for await (const piece of response.body) {
        expect(piece.length).toBeLessThanOrEqual(65_536);
        bytes += piece.length;
      }
      return bytes;
    }),
  );
  expect(sizes).toEqual([FILE.length, FILE.length, FILE.length, FILE.length]);
});

/** At a rate at which the first piece has to wait for ten minutes. */
async function waitForBandwidth(
  signal: AbortSignal,
): Promise<{ reading: Promise<unknown>; response: MediaResponse }> {
  const limited = client({ maxBytesPerSecond: 100 });
  const response = await limited.open(`${other.url}/file`, { signal });
  const reading = response.body[Symbol.asyncIterator]().next();
  reading.catch(() => {});
  await expect.poll(() => other.counters("/file").sentBytes).toBeGreaterThan(0);
  return { reading, response };
}

test("a wait for the bandwidth ends at once with its signal", async () => {
  const stop = new AbortController();
  const { reading } = await waitForBandwidth(stop.signal);
  stop.abort(new Error("shutdown"));
  await expect(reading).rejects.toThrow("shutdown");
});

test("a wait for the bandwidth ends at once when the read is closed", async () => {
  const { reading, response } = await waitForBandwidth(new AbortController().signal);
  await response.close();
  await expect(reading).rejects.toMatchObject({ code: "media_connection_failed" });
});

test("a long read leaves a place for a look", async () => {
  const limited = client({ perHostConcurrency: 2 });
  origin.setFault("/file", { kind: "stall", atByte: 100_000 }, { times: 2 });
  const stop = new AbortController();
  const long = Array.from({ length: 3 }, async () => {
    const options = { isLong: true, totalTimeoutMs: null, signal: stop.signal };
    const { body } = await limited.open(`${origin.url}/file`, options);
    for await (const _ of body) {
      // Stalls.
    }
  });
  const ended = Promise.allSettled(long);
  await expect.poll(() => origin.counters("/file").requests).toBe(1);
  origin.setFault("/file", null);
  expect(await read(limited, `${origin.url}/file`)).toBe(FILE.length);
  stop.abort(new Error("enough"));
  expect((await ended).every(({ status }) => status === "rejected")).toBe(true);
});
