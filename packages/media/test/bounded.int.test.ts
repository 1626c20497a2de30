import { afterAll, beforeAll, expect, test } from "vitest";
import { type MediaOrigin, startMediaOrigin } from "@reelgate/testkit/media-origin";
import { parseAllowedHosts } from "../src/guard/allowed-hosts.ts";
import { createMediaClient, type MediaClient } from "../src/http/media-client.ts";
import { indexMedia } from "../src/index-media.ts";

const DECLARED = { format: "hls", sizeBytes: 1, durationS: 1 } as const;
const HEAD = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n";
const PACKET = Buffer.alloc(188, "G");
/** What may be under way in socket buffers when a reader has had enough. */
const IN_FLIGHT_BYTES = 16 * 1_048_576;

let origin: MediaOrigin;
let client: MediaClient;

beforeAll(async () => {
  origin = await startMediaOrigin();
  client = createMediaClient({
    allowedHosts: parseAllowedHosts("127.0.0.1"),
  });
});

afterAll(async () => {
  await client.close();
  await origin[Symbol.asyncDispose]();
});

test("a body without end is left after 16 MiB, in which its length could have been learnt", async () => {
  const start = Buffer.concat([Buffer.from([0, 0, 0, 24]), Buffer.from("ftypisom")]);
  origin.setFault("/endless", { kind: "infinite", start });
  const before = origin.sentBytes;
  const look = indexMedia(client, `${origin.url}/endless`, { ...DECLARED, format: "mp4" });
  await expect(look).rejects.toMatchObject({ code: "media_bad_response" });
  expect(origin.sentBytes - before).toBeLessThan(16_777_216 + IN_FLIGHT_BYTES);
});

test("a playlist without end is refused after 4 MiB", async () => {
  origin.setFault("/endless.m3u8", { kind: "infinite", start: Buffer.from(HEAD) });
  const before = origin.sentBytes;
  await expect(indexMedia(client, `${origin.url}/endless.m3u8`, DECLARED)).rejects.toMatchObject({
    code: "media_playlist_invalid",
  });
  expect(origin.sentBytes - before).toBeLessThan(IN_FLIGHT_BYTES);
});

test("a playlist of 5 MiB is refused", async () => {
  origin.setFile("/large.m3u8", HEAD + "#EXTINF:4,\na.ts\n".repeat(330_000));
  await expect(indexMedia(client, `${origin.url}/large.m3u8`, DECLARED)).rejects.toMatchObject({
    code: "media_playlist_invalid",
    message: expect.stringContaining("larger than 4194304 bytes"),
  });
});

test("a body that drips ends with the read's deadline, though no pause is long", async () => {
  const hurried = createMediaClient({
    allowedHosts: parseAllowedHosts("127.0.0.1"),
    totalTimeoutMs: 800,
  });
  origin.setFile("/drip", "x".repeat(10_000));
  origin.setFault("/drip", { kind: "slow", chunkBytes: 1, intervalMs: 20 });
  await expect(hurried.readPrefix(`${origin.url}/drip`, 10_000)).rejects.toMatchObject({
    code: "media_timeout",
    message: expect.stringContaining("not finished after 800 ms"),
  });
  await hurried.close();
});

test("redirects without end are followed five times", async () => {
  origin.setFault("/loop", { kind: "redirect-chain" });
  const before = origin.requests.length;
  await expect(client.readPrefix(`${origin.url}/loop`, 1)).rejects.toMatchObject({
    code: "media_too_many_redirects",
  });
  expect(origin.requests.length - before).toBe(6);
});

test("many slow segments end with the deadline of the whole look", async () => {
  const names = Array.from({ length: 40 }, (_, index) => `/slow${index}.ts`);
  for (const name of names) {
    origin.setFile(name, "G".repeat(50));
    // Each is quick enough for itself; eight at a time they take three seconds.
    origin.setFault(name, { kind: "slow", chunkBytes: 50, intervalMs: 600 });
  }
  origin.setFile("/slow.m3u8", HEAD + names.map((name) => `#EXTINF:4,\n${name}\n`).join(""));
  await expect(
    indexMedia(client, `${origin.url}/slow.m3u8`, DECLARED, { totalTimeoutMs: 900 }),
  ).rejects.toMatchObject({ code: "media_timeout" });
});

test("of 10,001 segments ten are asked for, of 1,001 all; 100,000 findings become fifty", async () => {
  const list = (count: number, tag: string): string =>
    `${HEAD}${Array.from({ length: count }, (_, index) => `#EXTINF:4,\n${tag}${index}.ts\n`).join("")}#EXT-X-ENDLIST\n`;
  origin.setFile("/many.m3u8", list(10_001, "none"));
  const before = origin.requests.length;
  const many = await indexMedia(
    client,
    `${origin.url}/many.m3u8`,
    { ...DECLARED, durationS: 40_004 },
    { segments: "all" },
  );
  // Twice the playlist, of which the first reading is too short, and ten segments.
  expect(origin.requests.length - before).toBe(12);
  expect(many.media).toMatchObject({ sizeBytes: null, hls: { segmentCount: 10_001 } });
  expect(many.findings.map(({ kind }) => kind)).toEqual([
    ...Array.from({ length: 10 }, () => "missing_segment"),
    "not_fully_checked",
  ]);
  expect(many.findings.at(-1)).toEqual({
    kind: "not_fully_checked",
    declared: 10_001,
    actual: 10,
    detail: "10 of 10,001 segments were checked.",
  });

  origin.setFile("/all.m3u8", list(1001, "there.ts?"));
  origin.setFile("/there.ts", PACKET);
  const beforeAllOfThem = origin.requests.length;
  const all = await indexMedia(
    client,
    `${origin.url}/all.m3u8`,
    { ...DECLARED, sizeBytes: 1001 * 188, durationS: 4004 },
    { segments: "all" },
  );
  expect(origin.requests.length - beforeAllOfThem).toBe(1002);
  expect(all).toMatchObject({ media: { sizeBytes: 1001 * 188 } });
  expect(all.findings.map(({ detail }) => detail)).toEqual([
    "Codecs are not known: the first segment announces no track.",
  ]);

  origin.setFile("/gaps.m3u8", list(100_000, "#EXT-X-GAP\ng"));
  const gaps = await indexMedia(client, `${origin.url}/gaps.m3u8`, {
    ...DECLARED,
    durationS: 400_000,
  });
  expect(gaps.findings).toHaveLength(50);
  expect(gaps.findings.at(-1)?.detail).toContain("99950 more are missing, short or corrupt.");
});
