import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AppError } from "@reelgate/shared/errors";
import { parsePlaylist } from "./parse-playlist.ts";
import { MAX_PLAYLIST_BYTES, type Playlist, type UriReference } from "./playlist.ts";

function read(text: string): Playlist {
  return parsePlaylist(new TextEncoder().encode(text));
}

const HEAD = "#EXTM3U\n#EXT-X-TARGETDURATION:10\n";

const LINE = fc.oneof(
  fc.constantFrom(
    "#EXTM3U",
    "#EXTINF:4,",
    "#EXTINF:",
    "#EXT-X-ENDLIST",
    "#EXT-X-TARGETDURATION:4",
    "#EXT-X-BYTERANGE:1",
    "#EXT",
    '#EXT-X-KEY:METHOD=AES-128,URI="k"',
    '#EXT-X-MAP:URI="m",BYTERANGE="1@2"',
    "#EXT-X-STREAM-INF:BANDWIDTH=1",
    "#EXT-X-MEDIA-SEQUENCE:9",
    "#EXT-X-DISCONTINUITY",
    '#EXT-X-MEDIA:URI="x"',
    "a.ts",
    "",
    "#",
    "\r",
    "\u0000",
  ),
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.string({ maxLength: 40 }).map((value) => `#EXT-X-KEY:${value}`),
);

function urisOf(playlist: Playlist): UriReference[] {
  return playlist.kind === "master"
    ? [...playlist.variants.map(({ uri }) => uri), ...playlist.otherUris]
    : playlist.segments.flatMap(({ uri, keys, init }) => [
        uri,
        ...keys.map((key) => key.uri),
        ...(init === null ? [] : [init.uri]),
      ]);
}

describe("any text", () => {
  test("gives a playlist whose URIs stand where it says, or the one typed error", () => {
    fc.assert(
      fc.property(fc.array(LINE, { maxLength: 30 }), fc.boolean(), (lines, sound) => {
        const text = (sound ? HEAD : "") + lines.join("\n");
        let playlist: Playlist | null = null;
        let code = "";
        try {
          playlist = read(text);
        } catch (error) {
          code = error instanceof AppError ? error.code : String(error);
        }
        const references = playlist === null ? [] : urisOf(playlist);
        expect(references.map(({ start, end }) => playlist?.text.slice(start, end))).toEqual(
          references.map(({ uri }) => uri),
        );
        expect(code).toBe(playlist === null ? "media_playlist_invalid" : "");
      }),
      { numRuns: 3000 },
    );
  });

  test("of any bytes gives a result or the one typed error", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(() => parsePlaylist(bytes)).toThrow(
          expect.objectContaining({ code: "media_playlist_invalid" }),
        );
      }),
      { numRuns: 1000 },
    );
  });

  test("over 4 MiB is refused unread", () => {
    expect(() => parsePlaylist(new Uint8Array(MAX_PLAYLIST_BYTES + 1))).toThrow(
      "larger than 4194304 bytes",
    );
  });

  test("of more than 100,000 segments is refused at the first too many", () => {
    expect(() => read(HEAD + "#EXTINF:1,\na\n".repeat(100_001))).toThrow(
      "Line 200004 of the playlist: there are more than 100000 segments",
    );
    expect(read(HEAD + "#EXTINF:1,\na\n".repeat(100_000))).toMatchObject({ kind: "media" });
  });

  test("of more than 1,000 variants or other URIs is refused at the first too many", () => {
    const variants = (count: number): string => "#EXT-X-STREAM-INF:BANDWIDTH=1\na\n".repeat(count);
    const media = '#EXT-X-MEDIA:URI="a"\n';
    expect(() => read(`#EXTM3U\n${variants(1001)}`)).toThrow(
      "Line 2003 of the playlist: there are more than 1000 variants",
    );
    expect(() => read(`#EXTM3U\n${media.repeat(1001)}${variants(1)}`)).toThrow(
      "Line 1002 of the playlist: there are more than 1000 renditions, keys and data",
    );
    expect(read(`#EXTM3U\n${media.repeat(1000)}${variants(1000)}`)).toMatchObject({
      kind: "master",
    });
  });

  test.each([
    ["short lines", "\n"],
    ["tags", "#EXT\n"],
    ["spaces", " "],
    ["one long tag", "#EXT-X-KEY:"],
    ["attributes", "A="],
    ["quotes", '"'],
    ["segments in full", "#EXTINF:1,\n#EXT-X-BYTERANGE:1@1\na\n"],
    ["keys", '#EXT-X-KEY:METHOD=AES-128,URI="k"\n'],
  ])("of 4 MiB of %s ends in time", (_name, unit) => {
    const head = `${HEAD}#EXT-X-KEY:METHOD=AES-128,URI="`;
    for (const start of [HEAD, head, "#EXTM3U\n#EXT-X-STREAM-INF:"]) {
      const text = (start + unit.repeat(MAX_PLAYLIST_BYTES)).slice(0, MAX_PLAYLIST_BYTES);
      const bytes = new TextEncoder().encode(text);
      // Processor time, since other tests run beside this one.
      const before = process.threadCpuUsage();
      let code: string | null = null;
      try {
        parsePlaylist(bytes);
      } catch (error) {
        code = error instanceof AppError ? error.code : String(error);
      }
      expect([null, "media_playlist_invalid"]).toContain(code);
      expect(process.threadCpuUsage(before).user).toBeLessThan(5_000_000);
    }
  });
});
