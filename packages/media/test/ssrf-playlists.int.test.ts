import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type MediaOrigin, startMediaOrigin } from "@reelgate/testkit/media-origin";
import { parseAllowedHosts } from "../src/guard/allowed-hosts.ts";
import { createMediaClient, type MediaClient } from "../src/http/media-client.ts";
import { indexMedia } from "../src/index-media.ts";
import { NOTHING_DECLARED } from "../src/report/compare-declared.ts";
import { addresses, aimedAt, HOSTS, LITERALS, NAMES, refusal, resolve } from "./ssrf-vectors.ts";
import { startTcpListener, type TcpListener } from "./tcp-listener.ts";

const SAMPLES_FOLDER = join(import.meta.dirname, "../../simulator/media");
const SEGMENT = "/hls/segment0.ts";
const MEDIA = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n";
const END = "#EXT-X-ENDLIST\n";
const key = (uri: string): string => `#EXT-X-KEY:METHOD=AES-128,URI="${uri}"\n`;
const media = (head: string, segment = SEGMENT): string =>
  `${MEDIA}${head}#EXTINF:4,\n${segment}\n${END}`;

/** Every place of a playlist with an address, and every way from one to another. */
const WAYS: Readonly<Record<string, (uri: string) => string>> = {
  segment: (uri) => media("", uri),
  "byte range": (uri) => media("#EXT-X-BYTERANGE:9@100\n", uri),
  key: (uri) => media(key(uri)),
  "init section": (uri) => media(`#EXT-X-MAP:URI="${uri}"\n`),
  "key of an init section": (uri) =>
    media(`${key(uri)}#EXT-X-MAP:URI="/sample.mp4"\n#EXT-X-KEY:METHOD=NONE\n`),
  variant: (uri) => `#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n${uri}\n`,
  rendition: (uri) =>
    `#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="a",URI="${uri}"\n#EXT-X-STREAM-INF:BANDWIDTH=1\n/hls/sample.m3u8\n`,
};
/** A rendition is checked and not asked for: neither its redirect nor what its name resolves to is ever seen. */
const REDIRECTED_WAYS = Object.keys(WAYS).filter((way) => way !== "rendition");

/** As in ssrf.int.test.ts: the guard alone keeps the victim untouched. */
let victim: TcpListener;
let friend: MediaOrigin;
let client: MediaClient;

beforeAll(async () => {
  victim = await startTcpListener();
  friend = await startMediaOrigin({ root: SAMPLES_FOLDER });
  client = createMediaClient({
    allowedHosts: parseAllowedHosts(
      `*.myqcloud.com:${victim.port}, *.myqcloud.com:${friend.port}, 127.0.0.1:${friend.port}`,
    ),
    resolve,
  });
});

afterAll(async () => {
  await client.close();
  await friend[Symbol.asyncDispose]();
  await victim[Symbol.asyncDispose]();
});

afterEach(() => {
  victim.connections = 0;
});

async function lookAt(playlist: string, through: MediaClient = client): Promise<unknown> {
  friend.setFile("/list.m3u8", playlist);
  return await indexMedia(through, `${friend.url}/list.m3u8`, NOTHING_DECLARED, {
    segments: "all",
  });
}

/** A header carries no other characters, and a host is decoded before it is read. */
function asHeader(url: string): string {
  return url.replaceAll(/[^\u0020-\u007e]/g, encodeURIComponent);
}

const REFUSALS: ReadonlySet<string> = new Set([
  "media_url_forbidden",
  "media_address_forbidden",
  // A line break ends the line of a playlist.
  "media_playlist_invalid",
]);
/** With the address of a playlist as the base these are paths of its own host (WHATWG URL, "special relative"). */
const PATHS_OF_THE_FRIEND: ReadonlySet<string> = new Set([
  "one slash",
  "no slash",
  "a tab in the scheme",
]);
const vectors = [
  ...LITERALS,
  ...HOSTS,
  ...Object.keys(NAMES)
    .filter((name) => name !== "friend.myqcloud.com")
    .map((name) => [`what ${name} resolves to`, `http://${name}:P/`] as const),
];

describe("G5 no address in a playlist is trusted", () => {
  test.each(vectors)("%s: neither as it stands nor by a redirect", async (name, template) => {
    const url = aimedAt(template, victim.port);
    friend.setFault("/moved", { kind: "redirect", location: asHeader(url) });
    const outcomes: [way: string, code: string][] = [];
    // One after the other: all are served under one address.
    for (const [way, playlist] of Object.entries(WAYS)) {
      outcomes.push([way, await codeOf(lookAt(playlist(url)))]);
      outcomes.push([`redirected ${way}`, await codeOf(lookAt(playlist("/moved")))]);
    }
    expect(victim.connections).toBe(0);
    const passed = outcomes.filter(([way, code]) => !REFUSALS.has(code) && !/rendition/.test(way));
    expect(PATHS_OF_THE_FRIEND.has(name) ? [] : passed).toEqual([]);
  });

  async function codeOf(work: Promise<unknown>): Promise<string> {
    return await work.then(
      () => "it went through",
      (error: { code: string }) => error.code,
    );
  }

  test.each(REDIRECTED_WAYS)(
    "a name that changes its answer gains nothing as a %s",
    async (way) => {
      // 127.0.0.2 is allowed and nothing listens there; every second answer is the victim.
      let lookups = 0;
      const rebinding = createMediaClient({
        allowedHosts: parseAllowedHosts(
          `*.myqcloud.com:${victim.port}, 127.0.0.2, 127.0.0.1:${friend.port}`,
        ),
        connectTimeoutMs: 500,
        resolve: async () => {
          lookups += 1;
          return addresses([lookups % 2 === 1 ? "127.0.0.2" : "127.0.0.1"]);
        },
      });
      const codes = new Set<string>();
      for (let attempt = 0; attempt < 4; attempt += 1) {
        const url = `http://rebinding.myqcloud.com:${victim.port}/x`;
        const playlist = WAYS[way]?.(url) ?? "";
        codes.add((await refusal(lookAt(playlist, rebinding))).code);
      }
      await rebinding.close();
      expect(victim.connections).toBe(0);
      expect(codes).toEqual(new Set(["media_connection_failed", "media_address_forbidden"]));
    },
  );

  test("what is allowed goes through in each of these ways", async () => {
    friend.setFile("/key.bin", "0123456789abcdef");
    friend.setFault("/moved", {
      kind: "redirect",
      location: `http://friend.myqcloud.com:${friend.port}${SEGMENT}`,
    });
    const name = `http://friend.myqcloud.com:${friend.port}`;
    expect(await lookAt(media("", "/moved"))).toMatchObject({ findings: [] });
    expect(await lookAt(media("", `${name}${SEGMENT}`))).toMatchObject({ findings: [] });
    await lookAt(media(key(`${name}/key.bin`)));
    expect(friend.counters("/key.bin").requests).toBe(1);
    const before = friend.counters("/sample.mp4").requests;
    await lookAt(media(`#EXT-X-MAP:URI="${name}/sample.mp4"\n`));
    expect(friend.counters("/sample.mp4").requests - before).toBe(1);
  });
});
