import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { MediaReport } from "@reelgate/shared/contract/media";
import { type MediaOrigin, startMediaOrigin } from "@reelgate/testkit/media-origin";
import { parseAllowedHosts } from "../src/guard/allowed-hosts.ts";
import { createMediaClient, type MediaClient } from "../src/http/media-client.ts";
import { indexMedia } from "../src/index-media.ts";
import { NOTHING_DECLARED } from "../src/report/compare-declared.ts";

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

function look(path: string): Promise<MediaReport> {
  return indexMedia(client, origin.url + path, NOTHING_DECLARED);
}

/** Puts a playlist under an address of its own. */
function playlist(path: string, lines: string[]): string {
  origin.setFile(path, `#EXTM3U\n#EXT-X-TARGETDURATION:2\n${lines.join("\n")}\n`);
  return path;
}

describe("an HLS recording", () => {
  test("of byte ranges with an init section counts its parts, and asks for each", async () => {
    const box = (type: string, size: number): Buffer => {
      const bytes = Buffer.alloc(size);
      bytes.writeUInt32BE(size);
      bytes.write(type, 4, "latin1");
      return bytes;
    };
    const boxes = [box("ftyp", 100), box("moof", 300), box("moof", 500), box("mdat", 100)];
    origin.setFile("/all.mp4", Buffer.concat(boxes));
    const path = playlist("/ranges.m3u8", [
      '#EXT-X-MAP:URI="all.mp4",BYTERANGE="100@0"',
      "#EXTINF:2,\n#EXT-X-BYTERANGE:300@100\nall.mp4",
      "#EXTINF:2,\n#EXT-X-BYTERANGE:500\nall.mp4",
      "#EXTINF:2,\n#EXT-X-BYTERANGE:100\nall.mp4",
      "#EXT-X-ENDLIST",
    ]);
    const report = await look(path);
    expect(report.media.sizeBytes).toBe(1000);
    expect(report.findings).toEqual([
      {
        kind: "corrupt_segment",
        declared: `${origin.url}/all.mp4`,
        actual: null,
        detail: expect.stringContaining(
          `Init section (bytes 0 to 100 of ${origin.url}/all.mp4) has neither a header (moov) nor media data`,
        ),
      },
    ]);
    expect(new Set(origin.counters("/all.mp4").ranges)).toEqual(
      new Set(["bytes=0-99", "bytes=100-399", "bytes=400-899", "bytes=900-999"]),
    );
    expect(origin.counters("/all.mp4").ranges).toHaveLength(4);

    origin.setFault("/all.mp4", { kind: "truncated", atByte: 999 });
    const short = await look(path);
    expect(short.media.sizeBytes).toBeNull();
    expect(short.findings[1]).toEqual({
      kind: "short_segment",
      declared: 1000,
      actual: 999,
      detail: `Segment 3 of 3 (bytes 900 to 1000 of ${origin.url}/all.mp4) reaches to byte 1000 of a file that has 999.`,
    });
  });

  test("of more byte ranges than are asked for names each that lies behind the end", async () => {
    origin.setFile("/short.ts", Buffer.alloc(188 * 50, "G"));
    const ranges = [48, 49, 50, 51, ...Array.from({ length: 16 }, (_, index) => index)];
    const path = playlist("/short.m3u8", [
      ...ranges.map((at) => `#EXTINF:2,\n#EXT-X-BYTERANGE:188@${at * 188}\nshort.ts`),
      "#EXT-X-ENDLIST",
    ]);
    const { findings } = await look(path);
    expect(findings.map(({ detail }) => detail)).toEqual([
      expect.stringMatching(/^Segment 3 of 20 .* of a file that has 9400\.$/),
      expect.stringMatching(/^Segment 4 of 20 .* of a file that has 9400\.$/),
      "10 of 20 segments were checked.",
      "Codecs are not known: the first segment announces no track.",
    ]);
  });

  test("of byte ranges behind an origin that takes no ranges is looked into as far as that goes", async () => {
    const packets = Buffer.alloc(188 * 10_000);
    for (let at = 0; at < packets.length; at += 188) {
      packets[at] = 0x47;
    }
    origin.setFile("/long.ts", packets);
    origin.setFault("/long.ts", { kind: "no-range" });
    const range = (offset: number): string =>
      `#EXTINF:2,\n#EXT-X-BYTERANGE:18800@${offset}\nlong.ts`;
    const path = playlist("/no-ranges.m3u8", [range(188_000), range(1_861_200), "#EXT-X-ENDLIST"]);
    const report = await look(path);
    expect(report.media.sizeBytes).toBe(37_600);
    expect(report.findings.map(({ detail }) => detail)).toEqual([
      "1 of 2 checked segments could not be looked into: the origin takes no ranges.",
      "Codecs are not known: the first segment announces no track.",
    ]);
  });
});
