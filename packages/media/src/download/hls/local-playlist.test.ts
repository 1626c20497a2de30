import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parsePlaylist } from "../../hls/parse-playlist.ts";
import { localPlaylist } from "./local-playlist.ts";

const signal = new AbortController().signal;

/** The rewritten text, with names for the URIs given, wherever they stand. */
async function rewrite(text: string, names: Readonly<Record<string, string>>): Promise<string> {
  const nameOf = (start: number): string | null => {
    const uri = /^[^"\r\n]*/.exec(text.slice(start))?.[0].trimEnd() ?? "";
    return names[uri] ?? null;
  };
  return await localPlaylist(text, nameOf, signal);
}

describe("what a copy of a playlist says", () => {
  test("nothing but the URIs changes, byte for byte", async () => {
    const text = [
      "#EXTM3U\r\n# a comment\r\n\r\n",
      "#EXT-X-TARGETDURATION:6\n",
      `#EXT-X-KEY:METHOD=AES-128 , URI="https://k.example/a?b=c" , IV=0x01\n`,
      `#EXT-X-MAP:URI="../i.mp4"\n`,
      "#EXT-X-PROGRAM-DATE-TIME:2026-11-23T00:00:00Z\n",
      "#EXTINF:6.0,a title, with a comma\n  ../../x.ts?sign=1 \n",
      '#EXT-X-UNKNOWN:A=1,B="two"\n#EXTINF:6,\nx y.ts\n#EXT-X-ENDLIST',
    ].join("");
    const names = {
      "https://k.example/a?b=c": "key-0.key",
      "../i.mp4": "init-0.mp4",
      "../../x.ts?sign=1": "00000.ts",
      "x y.ts": "00001.ts",
    };
    const expected = Object.entries(names).reduce(
      (result, [uri, name]) => result.replace(uri, name),
      text,
    );
    expect(await rewrite(text, names)).toBe(expected);
  });

  test("comments, titles and tags with what may be a secret are taken out", async () => {
    const text = [
      "#EXTM3U\n#made\u2028from x.ts?sign=SECRET\r\n  # kept \n\n#https://u:SECRET@o.example/\n",
      "#EXT-X-VENDOR:x.ts?sign=SECRET\n#EXT-X-ALLOW-CACHE:YES\n#EXT-X-EMPTY:\n#no\n#EXT-X-BARE\n# a?SECRET\n",
      "#EXTINF:6.0,x.ts?sign=SECRET\na\n#?SECRET\n#EXT-X-ENDLIST\n#last http://SECRET\n#end",
    ].join("");
    expect(await rewrite(text, { a: "n" })).toBe(
      [
        "#EXTM3U\n\n  # kept \n\n\n",
        "\n#EXT-X-ALLOW-CACHE:YES\n#EXT-X-EMPTY:\n#no\n#EXT-X-BARE\n\n",
        "#EXTINF:6.0,\nn\n\n#EXT-X-ENDLIST\n\n#end",
      ].join(""),
    );
  });

  test("byte ranges are files of their own, so they are taken out", async () => {
    const text = `#EXT-X-MAP:BYTERANGE="10@0",URI="a"\n#EXTINF:1,\n#EXT-X-BYTERANGE:5@10\na\n`;
    expect(await rewrite(text, { a: "n.mp4" })).toBe(
      `#EXT-X-MAP:URI="n.mp4"\n#EXTINF:1,\n\nn.mp4\n`,
    );
  });

  test.each([
    ["a key that is not used", `#EXT-X-KEY:METHOD=AES-128,URI="https://k.example/"`, ""],
    [
      "a key that is none",
      `#EXT-X-KEY:METHOD=NONE,URI="https://k.example/"`,
      "#EXT-X-KEY:METHOD=NONE",
    ],
    [
      "a license beside no key",
      `#EXT-X-KEY:METHOD=NONE,X-LICENSE="https://k.example/?sign=1"`,
      "#EXT-X-KEY:METHOD=NONE",
    ],
    ["a comment with a secret", "# sign=0123456789", ""],
    ["a tag that is a secret", "#EXT-X-TOKEN:0123456789", ""],
    ["a part", `#EXT-X-PART:DURATION=1,URI="part.ts"`, ""],
    ["a preload hint", `#EXT-X-PRELOAD-HINT:TYPE=PART,URI = "next.ts"`, ""],
    ["a rendition report", `#EXT-X-RENDITION-REPORT:URI="../b.m3u8"`, ""],
    ["a session key", `#EXT-X-SESSION-KEY:METHOD=AES-128,URI="k"`, ""],
    [
      "an interstitial",
      `#EXT-X-DATERANGE:ID="ad",CLASS="com.apple.hls.interstitial",X-ASSET-LIST="ads.json"`,
      "",
    ],
    ["an unknown tag with an address", `#EXT-X-CUSTOM:https://origin.example/x`, ""],
    ["a date range", `#EXT-X-DATERANGE:ID="a",START-DATE="2026-11-23"`, null],
  ])("%s", async (_name, line, expected) => {
    const text = `#EXTM3U\n${line}\n#EXTINF:1,\na\n`;
    expect(await rewrite(text, { a: "n" })).toBe(`#EXTM3U\n${expected ?? line}\n#EXTINF:1,\nn\n`);
  });
});

test("a key keeps what the specification knows of it, and nothing else", async () => {
  const key = `#EXT-X-KEY:METHOD=AES-128,URI="k",X-BACKUP-URI="https://u:p@k.example/?sign=1",IV=0x1,KEYFORMAT="identity"`;
  expect(await rewrite(`#EXTM3U\n${key}\n#EXTINF:1,\na\n`, { a: "n", k: "key-0.key" })).toBe(
    `#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,IV=0x1,KEYFORMAT="identity",URI="key-0.key"\n#EXTINF:1,\nn\n`,
  );
});

test("whatever the URIs are, the copy reads as the same recording with local names", async () => {
  const uri = fc
    .string({ minLength: 1, maxLength: 40 })
    .map((text) => text.replaceAll(/[^!#-~]/g, "_"))
    .filter((text) => !text.startsWith("#") && text !== "");
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(uri, fc.boolean()), { minLength: 1 }), async (items) => {
      const lines = items.map(([text, hasKey], index) =>
        [
          hasKey ? `#EXT-X-KEY:METHOD=AES-128,URI="${text}"\n` : "",
          `#EXT-X-MAP:URI="${text}",BYTERANGE="1@${index}"\n#EXTINF:${index},\n${text}\n`,
        ].join(""),
      );
      const text = `#EXTM3U\n#EXT-X-TARGETDURATION:1\n${lines.join("")}#EXT-X-ENDLIST\n`;
      const copy = await localPlaylist(text, (start) => `n${start}`, signal);
      const [before, after] = [text, copy].map((content) =>
        parsePlaylist(new TextEncoder().encode(content)),
      );
      if (before?.kind !== "media" || after?.kind !== "media") {
        throw new Error("not a media playlist");
      }
      expect(after.segments.map((segment) => segment.uri.uri)).toEqual(
        before.segments.map((segment) => `n${segment.uri.start}`),
      );
      expect(after.segments.map(({ init }) => [init?.uri.uri, init?.byteRange])).toEqual(
        before.segments.map(({ init }) => [`n${init?.uri.start}`, null]),
      );
      expect(after.segments.map(({ keys }) => keys.map((key) => key.uri.uri))).toEqual(
        before.segments.map(({ keys }) => keys.map((key) => `n${key.uri.start}`)),
      );
      expect(after.segments.map(({ durationS }) => durationS)).toEqual(
        before.segments.map(({ durationS }) => durationS),
      );
    }),
  );
});
