import { join } from "node:path";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parsePlaylist } from "./parse-playlist.ts";
import { type MasterPlaylist, type MediaPlaylist, type Playlist } from "./playlist.ts";

const SAMPLES_FOLDER = join(import.meta.dirname, "../../../simulator/media");

function read(text: string): Playlist {
  return parsePlaylist(new TextEncoder().encode(text));
}

function readMedia(text: string): MediaPlaylist {
  const playlist = read(text);
  if (playlist.kind !== "media") {
    throw new Error("not a media playlist");
  }
  return playlist;
}

function readMaster(text: string): MasterPlaylist {
  const playlist = read(text);
  if (playlist.kind !== "master") {
    throw new Error("not a master playlist");
  }
  return playlist;
}

const HEAD = "#EXTM3U\n#EXT-X-TARGETDURATION:10\n";

describe("a media playlist", () => {
  test("of the samples is read", () => {
    const text = readFileSync(`${SAMPLES_FOLDER}/hls/sample.m3u8`, "utf8");
    const playlist = readMedia(text);
    expect(playlist).toMatchObject({
      targetDurationS: 2,
      mediaSequence: 0,
      playlistType: "VOD",
      ended: true,
    });
    expect(playlist.segments.map(({ uri, durationS }) => [uri.uri, durationS])).toEqual([
      ["segment0.ts", 2],
      ["segment1.ts", 2],
      ["segment2.ts", 2],
    ]);
  });

  test("with every tag of a recording", () => {
    const { segments, ...rest } = readMedia(`\uFEFF#EXTM3U\r
#EXT-X-VERSION:7\r
#EXT-X-TARGETDURATION:10\r
#EXT-X-MEDIA-SEQUENCE:41\r
# a comment\r
#EXT-X-KEY:METHOD=AES-128, URI="key?a=1,2", IV=0x0A\r
#EXT-X-MAP:URI="init.mp4",BYTERANGE="720@0"\r
#EXTINF:9.5,a title, with a comma\r
#EXT-X-BYTERANGE:100@720\r
all.mp4\r
\r
#EXTINF:10\r
#EXT-X-BYTERANGE:50\r
all.mp4\r
#EXT-X-DISCONTINUITY\r
#EXT-X-KEY:METHOD=NONE\r
#EXT-X-MAP:URI="other.mp4"\r
#EXTINF: 0.5 ,\r
#EXT-X-GAP\r
last.mp4\r
#EXT-X-UNKNOWN:x\r
#EXT-X-ENDLIST\r
`);
    expect(rest).toMatchObject({ targetDurationS: 10, mediaSequence: 41, ended: true });
    const key = {
      method: "AES-128",
      uri: expect.objectContaining({ uri: "key?a=1,2", line: 6 }),
      iv: "0x0A",
      keyFormat: "identity",
    };
    const init = {
      uri: expect.objectContaining({ uri: "init.mp4", line: 7 }),
      byteRange: { offset: 0, length: 720 },
      keys: [key],
    };
    expect(segments).toEqual([
      {
        uri: expect.objectContaining({ uri: "all.mp4", line: 10 }),
        durationS: 9.5,
        sequence: 41,
        byteRange: { offset: 720, length: 100 },
        keys: [key],
        init,
        discontinuity: false,
        gap: false,
      },
      {
        uri: expect.objectContaining({ uri: "all.mp4", line: 14 }),
        durationS: 10,
        sequence: 42,
        byteRange: { offset: 820, length: 50 },
        keys: [key],
        init,
        discontinuity: false,
        gap: false,
      },
      {
        uri: expect.objectContaining({ uri: "last.mp4", line: 20 }),
        durationS: 0.5,
        sequence: 43,
        byteRange: null,
        keys: [],
        init: { uri: expect.objectContaining({ uri: "other.mp4" }), byteRange: null, keys: [] },
        discontinuity: true,
        gap: true,
      },
    ]);
  });

  test("gives an init section the keys that stand before it", () => {
    const { segments } = readMedia(`${HEAD}#EXT-X-MAP:URI="clear.mp4"
#EXT-X-KEY:METHOD=AES-128,URI="a"
#EXTINF:1,
1.m4s
#EXT-X-MAP:URI="encrypted.mp4"
#EXTINF:1,
2.m4s
`);
    expect(segments.map(({ init }) => init?.keys.map(({ uri }) => uri.uri))).toEqual([[], ["a"]]);
    expect(segments.map(({ keys }) => keys.length)).toEqual([1, 1]);
  });

  test("keeps one key for each key format", () => {
    const { segments } = readMedia(`${HEAD}#EXT-X-KEY:METHOD=SAMPLE-AES,URI="a"
#EXT-X-KEY:METHOD=SAMPLE-AES,URI="b",KEYFORMAT="com.example"
#EXTINF:1,
1.ts
#EXT-X-KEY:METHOD=SAMPLE-AES,URI="c"
#EXTINF:1,
2.ts
`);
    expect(segments.map(({ keys }) => keys.map(({ uri }) => uri.uri))).toEqual([
      ["a", "b"],
      ["b", "c"],
    ]);
  });

  test("without segments or end is read, since that is a finding and no error", () => {
    expect(readMedia(HEAD)).toMatchObject({ segments: [], ended: false });
  });

  test.each<[problem: string, line: number | null, text: string]>([
    ["nothing", 1, ""],
    ["HTML", 1, "<html></html>"],
    ["a blank line first", 1, `\n${HEAD}`],
    ["another tag first", 1, "#EXT-X-VERSION:3\n#EXTM3U\n"],
    ["only the first tag", null, "#EXTM3U\n"],
    ["a plain list of files", null, "#EXTM3U\na.ts\n"],
    ["no target duration", null, "#EXTM3U\n#EXTINF:1,\na.ts\n"],
    ["two target durations", 3, `${HEAD}#EXT-X-TARGETDURATION:10\n`],
    ["a target that is no number", 2, "#EXTM3U\n#EXT-X-TARGETDURATION:ten\n"],
    ["a URI without EXTINF", 3, `${HEAD}a.ts\n`],
    ["EXTINF without a URI at the end", 3, `${HEAD}#EXTINF:4,\n`],
    ["EXTINF without a URI in the middle", 3, `${HEAD}#EXTINF:4,\n#EXTINF:4,\na.ts\n`],
    ["EXTINF: NaN", 3, `${HEAD}#EXTINF:NaN,\na.ts\n`],
    ["EXTINF: negative", 3, `${HEAD}#EXTINF:-1,\na.ts\n`],
    ["EXTINF: Infinity", 3, `${HEAD}#EXTINF:Infinity,\na.ts\n`],
    ["EXTINF: exponent", 3, `${HEAD}#EXTINF:1e3,\na.ts\n`],
    ["EXTINF: hexadecimal", 3, `${HEAD}#EXTINF:0x10,\na.ts\n`],
    ["EXTINF: empty", 3, `${HEAD}#EXTINF:,\na.ts\n`],
    ["EXTINF: no value", 3, `${HEAD}#EXTINF\na.ts\n`],
    ["EXTINF: a year", 3, `${HEAD}#EXTINF:31536000,\na.ts\n`],
    ["EXTINF: many digits", 3, `${HEAD}#EXTINF:${"9".repeat(400)},\na.ts\n`],
    ["a range without offset first", 4, `${HEAD}#EXTINF:1,\n#EXT-X-BYTERANGE:10\na.ts\n`],
    [
      "a range without offset in another file",
      6,
      `${HEAD}#EXTINF:1,\n#EXT-X-BYTERANGE:9@0\na.ts\n#EXT-X-BYTERANGE:9\n#EXTINF:1,\nb.ts\n`,
    ],
    [
      "a range without offset after a whole file",
      5,
      `${HEAD}#EXTINF:1,\na.ts\n#EXT-X-BYTERANGE:9\n#EXTINF:1,\na.ts\n`,
    ],
    ["a range of nothing", 3, `${HEAD}#EXT-X-BYTERANGE:0@5\n#EXTINF:1,\na.ts\n`],
    ["a range that is none", 3, `${HEAD}#EXT-X-BYTERANGE:5@\n#EXTINF:1,\na.ts\n`],
    ["a range beyond any file", 3, `${HEAD}#EXT-X-BYTERANGE:9@9007199254740991\n#EXTINF:1,\na\n`],
    ["two ranges", 4, `${HEAD}#EXT-X-BYTERANGE:9@0\n#EXT-X-BYTERANGE:9@0\n#EXTINF:1,\na\n`],
    ["a range without a URI", 3, `${HEAD}#EXT-X-BYTERANGE:9@0\n`],
    ["AES-128 without URI", 3, `${HEAD}#EXT-X-KEY:METHOD=AES-128\n`],
    ["a key without METHOD", 3, `${HEAD}#EXT-X-KEY:URI="k"\n`],
    ["an unknown METHOD", 3, `${HEAD}#EXT-X-KEY:METHOD=ROT13,URI="k"\n`],
    ["an empty key URI", 3, `${HEAD}#EXT-X-KEY:METHOD=AES-128,URI=""\n`],
    ["an unquoted key URI", 3, `${HEAD}#EXT-X-KEY:METHOD=AES-128,URI=k\n`],
    ["an IV of 132 bits", 3, `${HEAD}#EXT-X-KEY:METHOD=AES-128,URI="k",IV=0x${"1".repeat(33)}\n`],
    ["an attribute given twice", 3, `${HEAD}#EXT-X-KEY:METHOD=NONE,METHOD=AES-128,URI="k"\n`],
    ["an open quote", 3, `${HEAD}#EXT-X-KEY:METHOD=AES-128,URI="k\n`],
    ["an attribute without a value", 3, `${HEAD}#EXT-X-KEY:METHOD\n`],
    ["text behind a quoted value", 3, `${HEAD}#EXT-X-KEY:METHOD=AES-128,URI="k"x\n`],
    [
      "a flood of key formats",
      19,
      HEAD +
        Array.from(
          { length: 99 },
          (_, i) => `#EXT-X-KEY:METHOD=AES-128,URI="k",KEYFORMAT="${i}"`,
        ).join("\n"),
    ],
    ["a MAP without URI", 3, `${HEAD}#EXT-X-MAP:BYTERANGE="1@0"\n`],
    ["a MAP with a bad range", 3, `${HEAD}#EXT-X-MAP:URI="i",BYTERANGE="x"\n`],
    ["a sequence after a segment", 5, `${HEAD}#EXTINF:1,\na.ts\n#EXT-X-MEDIA-SEQUENCE:1\n`],
    ["a sequence that is no number", 3, `${HEAD}#EXT-X-MEDIA-SEQUENCE:-1\n`],
    ["an unknown playlist type", 3, `${HEAD}#EXT-X-PLAYLIST-TYPE:LIVE\n`],
    ["variables", 3, `${HEAD}#EXT-X-DEFINE:NAME="a",VALUE="b"\n`],
    ["skipped segments", 3, `${HEAD}#EXT-X-SKIP:SKIPPED-SEGMENTS=3\n`],
    ["a master tag", 3, `${HEAD}#EXT-X-STREAM-INF:BANDWIDTH=1\n`],
  ])("is refused: %s", (_problem, line, text) => {
    expect(() => read(text)).toThrow(
      expect.objectContaining({
        code: "media_playlist_invalid",
        message: expect.stringMatching(line === null ? /^The playlist: / : `^Line ${line} of the `),
      }),
    );
  });

  test("is refused when it is no UTF-8", () => {
    const bytes = new TextEncoder().encode(`${HEAD}#EXTINF:1,\na.ts\n`);
    bytes[bytes.length - 5] = 0xff;
    expect(() => parsePlaylist(bytes)).toThrow("not UTF-8");
  });
});

describe("a master playlist", () => {
  test("is read with its variants and every other URI", () => {
    const playlist = readMaster(`#EXTM3U
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="a",URI="audio.m3u8"
#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=9,URI="trick.m3u8"
#EXT-X-SESSION-KEY:METHOD=AES-128,URI="key"
#EXT-X-STREAM-INF:BANDWIDTH=100,CODECS="avc1.42c01e,mp4a.40.2"
low.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=200
#EXT-X-UNKNOWN
high.m3u8
`);
    expect(playlist.variants).toEqual([
      {
        uri: expect.objectContaining({ uri: "low.m3u8", line: 6 }),
        bandwidth: 100,
        codecs: "avc1.42c01e,mp4a.40.2",
      },
      { uri: expect.objectContaining({ uri: "high.m3u8", line: 9 }), bandwidth: 200, codecs: null },
    ]);
    expect(playlist.otherUris.map(({ uri }) => uri)).toEqual(["audio.m3u8", "trick.m3u8", "key"]);
  });

  test.each<[problem: string, line: number | null, text: string]>([
    ["no variant", null, '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="a"\n'],
    ["no BANDWIDTH", 2, '#EXT-X-STREAM-INF:CODECS="x"\na.m3u8\n'],
    ["a BANDWIDTH that is no number", 2, "#EXT-X-STREAM-INF:BANDWIDTH=1e3\na.m3u8\n"],
    ["no URI at the end", 2, "#EXT-X-STREAM-INF:BANDWIDTH=1\n"],
    [
      "no URI in the middle",
      2,
      "#EXT-X-STREAM-INF:BANDWIDTH=1\n#EXT-X-STREAM-INF:BANDWIDTH=1\na\n",
    ],
    ["a URI of nothing", 4, "#EXT-X-STREAM-INF:BANDWIDTH=1\na\nb\n"],
    ["a media tag", 4, "#EXT-X-STREAM-INF:BANDWIDTH=1\na\n#EXT-X-ENDLIST\n"],
  ])("is refused: %s", (_problem, line, text) => {
    expect(() => read(`#EXTM3U\n${text}`)).toThrow(
      line === null ? "The playlist: " : `Line ${line} of the playlist: `,
    );
  });
});
