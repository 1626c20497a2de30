import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ErrorCode } from "@reelgate/shared/errors";
import { type MediaOrigin, startMediaOrigin } from "@reelgate/testkit/media-origin";
import { parseAllowedHosts } from "../src/guard/allowed-hosts.ts";
import { createMediaClient, type MediaClient } from "../src/http/media-client.ts";
import { indexMedia } from "../src/index-media.ts";

const MEDIA = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n";
const SEGMENTS = 100_000;
/** The longest address that a playlist can have of its own. */
const LONG_FOLDER = `/${"p".repeat(8100)}`;
/** A folder that leaves every reference just below the cap. */
const FOLDER = `/${"p".repeat(4000)}`;

let origin: MediaOrigin;
let client: MediaClient;

beforeAll(async () => {
  origin = await startMediaOrigin();
  client = createMediaClient({ allowedHosts: parseAllowedHosts("127.0.0.1") });
});

afterAll(async () => {
  await client.close();
  await origin[Symbol.asyncDispose]();
});

function segments(line: (index: number) => string): string {
  const lines = Array.from({ length: SEGMENTS }, (_, index) => `#EXTINF:1,\n${line(index)}\n`);
  return `${MEDIA}${lines.join("")}#EXT-X-ENDLIST\n`;
}

interface Cost {
  end: string;
  longestTurnMs: number;
  heapGrowthBytes: number;
}

/** What a look costs the process. By processor time between two turns of a timer, since other tests run beside this. */
async function costOf(path: string): Promise<Cost> {
  const declared = { format: "hls", sizeBytes: 1, durationS: 1 } as const;
  const heapBefore = process.memoryUsage().heapUsed;
  let mostBytes = heapBefore;
  let longestTurnMs = 0;
  let turnStart = process.threadCpuUsage();
  function endTurn(): void {
    const { user, system } = process.threadCpuUsage(turnStart);
    longestTurnMs = Math.max(longestTurnMs, (user + system) / 1000);
    mostBytes = Math.max(mostBytes, process.memoryUsage().heapUsed);
    turnStart = process.threadCpuUsage();
  }
  const timer = setInterval(endTurn, 1);
  const end = await indexMedia(client, origin.url + path, declared).then(
    () => "indexed",
    (error: { code: string }) => error.code,
  );
  endTurn();
  clearInterval(timer);
  return { end, longestTurnMs, heapGrowthBytes: mostBytes - heapBefore };
}

describe("a hostile playlist neither holds the event loop nor fills the heap", () => {
  test.each<[name: string, path: string, content: () => string, end: ErrorCode]>([
    [
      "130,000 variants on a long address",
      `${LONG_FOLDER}/m.m3u8`,
      () => `#EXTM3U\n${"#EXT-X-STREAM-INF:BANDWIDTH=1\nv\n".repeat(130_000)}`,
      "media_playlist_invalid",
    ],
    [
      "190,000 renditions on a long address",
      `${LONG_FOLDER}/r.m3u8`,
      () =>
        `#EXTM3U\n${'#EXT-X-MEDIA:URI="a"\n'.repeat(190_000)}#EXT-X-STREAM-INF:BANDWIDTH=1\nv\n`,
      "media_playlist_invalid",
    ],
    [
      "1,000 variants on an address that is too long for them",
      `${LONG_FOLDER}/v.m3u8`,
      () => `#EXTM3U\n${"#EXT-X-STREAM-INF:BANDWIDTH=1\nv\n".repeat(1000)}`,
      "media_url_forbidden",
    ],
    [
      "100,000 segments on an address that is too long for them",
      `${LONG_FOLDER}/s.m3u8`,
      () => segments(String),
      "media_url_forbidden",
    ],
    [
      "100,000 segments that are too long together",
      `${FOLDER}/s.m3u8`,
      () => segments(String),
      "media_playlist_invalid",
    ],
  ])("%s", async (_name, path, content, end) => {
    origin.setFile(path, content());
    const cost = await costOf(path);
    expect(cost).toEqual({
      end,
      longestTurnMs: expect.toSatisfy((ms: number) => ms < 1500),
      heapGrowthBytes: expect.toSatisfy((bytes: number) => bytes < 300e6),
    });
  });
});
