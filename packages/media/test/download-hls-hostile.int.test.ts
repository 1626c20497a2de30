import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type MediaOrigin, startMediaOrigin } from "@reelgate/testkit/media-origin";
import {
  downloadMedia,
  type DownloadOptions,
  type DownloadResult,
} from "../src/download/download-media.ts";
import { parseAllowedHosts } from "../src/guard/allowed-hosts.ts";
import { createMediaClient, type MediaClient } from "../src/http/media-client.ts";
import { NOTHING_DECLARED } from "../src/report/compare-declared.ts";
import { createLocalFolderStorage } from "../src/storage/local-folder.ts";
import { filesBelow, takeForSound } from "./download-setup.ts";
import { tsNoise, vodPlaylist } from "./hls-recordings.ts";

const NAME = "app/live/room/20261123-0";
const SEGMENT = tsNoise(20);

let origin: MediaOrigin;
/** On an address that the client's guard does not allow. */
let forbidden: MediaOrigin;
let client: MediaClient;
let home: string;
let root: string;

beforeAll(async () => {
  origin = await startMediaOrigin();
  forbidden = await startMediaOrigin({ host: "127.0.0.2", files: { "/s.ts": SEGMENT } });
  client = createMediaClient({ allowedHosts: parseAllowedHosts("127.0.0.1") });
});

afterAll(async () => {
  await client.close();
  await origin[Symbol.asyncDispose]();
  await forbidden[Symbol.asyncDispose]();
});

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "reelgate-hls-hostile-"));
  root = join(home, "a", "b", "storage");
  origin.setFile("/s.ts", SEGMENT);
});

afterEach(async () => {
  await rm(home, { recursive: true });
});

async function download(playlist: string, options: DownloadOptions = {}): Promise<DownloadResult> {
  origin.setFile("/deep/down/index.m3u8", playlist);
  const url = `${origin.url}/deep/down/index.m3u8`;
  const storage = createLocalFolderStorage(root);
  return await downloadMedia(client, url, NOTHING_DECLARED, NAME, storage, {
    verify: takeForSound,
    ...options,
  });
}

async function storedPlaylist(): Promise<string> {
  return await readFile(join(root, NAME, "index.m3u8"), "utf8");
}

describe("G5: a playlist leads nowhere but where it may", () => {
  const header = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n";
  const rest = "#EXTINF:1,\ns.ts\n#EXT-X-ENDLIST\n";

  test.each([
    ["file:", "file:///etc/passwd"],
    ["data:", "data:video/mp2t;base64,RwAA"],
    ["another scheme", "ftp://127.0.0.1/s.ts"],
    ["a path of Windows", "C:/s.ts"],
    ["a backslash", "a/..\\..\\..\\s.ts"],
    ["a control character", "a\u0000b.ts"],
    ["a user and password", "http://a:b@127.0.0.1/s.ts"],
    ["a private address", "http://10.0.0.1/s.ts"],
    ["the address of metadata", "//169.254.169.254/latest/meta-data"],
    ["the key server of a DRM", "skd://license"],
  ])("%s as a segment, an init section and a key: nothing is fetched", async (_name, uri) => {
    const before = origin.requests.length;
    for (const playlist of [
      vodPlaylist(1, () => uri),
      `${header}#EXT-X-MAP:URI="${uri}"\n${rest}`,
      `${header}#EXT-X-KEY:METHOD=AES-128,URI="${uri}"\n${rest}`,
    ]) {
      await expect(download(playlist)).rejects.toMatchObject({ code: "media_url_forbidden" });
    }
    expect(origin.requests.slice(before).every(({ path }) => path.endsWith("index.m3u8"))).toBe(
      true,
    );
    expect(await filesBelow(home)).toEqual({ published: [], staged: [] });
  });

  test("a host that is not allowed gets no connection, nor through a redirect", async () => {
    for (const uri of [`${forbidden.url}/s.ts`, "moved.ts"]) {
      origin.setFault("/deep/down/moved.ts", {
        kind: "redirect",
        location: `${forbidden.url}/s.ts`,
      });
      await expect(download(vodPlaylist(1, () => uri))).rejects.toMatchObject({
        code: "media_url_forbidden",
      });
    }
    expect(forbidden.connections).toBe(0);
  });

  test.each([
    "../../../../../../s.ts",
    "/s.ts",
    "..%2f..%2f..%2fs.ts",
    "%2e%2e/%2e%2e/s.ts",
    "s.ts?/../../../../x",
    "con",
    ".hidden",
    "-rf",
    "SHA256SUMS",
    "\u202etxt.ts",
    `${"x".repeat(2000)}.ts`,
    "00000.ts;rm -rf",
  ])("whatever a name is, the file is called 00000.ts: %j", async (uri) => {
    const url = new URL(uri, `${origin.url}/deep/down/index.m3u8`);
    origin.setFile(decodeURIComponent(url.pathname), SEGMENT);
    const playlist = vodPlaylist(1, () => uri);
    await expect(download(playlist)).resolves.toMatchObject({ kind: "stored" });
    const names = await readdir(home, { recursive: true, withFileTypes: true });
    expect(
      names.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name)),
    ).toEqual(["00000.ts", "SHA256SUMS", "index.m3u8"].map((name) => join(root, NAME, name)));
    expect(await storedPlaylist()).toBe(playlist.replace(uri, "00000.ts"));
  });
});

test("a file that is used a thousand times is fetched once", async () => {
  origin.setFile("/once.ts", SEGMENT);
  const before = origin.counters("/once.ts").requests;
  await download(vodPlaylist(1000, () => "/once.ts"));
  expect(origin.counters("/once.ts").requests - before).toBe(1);
  expect(await readdir(join(root, NAME))).toEqual(["00000.ts", "SHA256SUMS", "index.m3u8"]);
  expect((await storedPlaylist()).match(/^00000\.ts$/gm)).toHaveLength(1000);
});

test("three thousand keys are as many small files, each fetched once", async () => {
  const keys = 3000;
  const playlist = vodPlaylist(
    keys,
    (index) => `#EXT-X-KEY:METHOD=SAMPLE-AES,URI="/key${index}"\n/s.ts`,
  );
  for (let index = 0; index < keys; index += 1) {
    origin.setFile(`/key${index}`, Buffer.alloc(16, index));
  }
  await download(playlist);
  const names = await readdir(join(root, NAME));
  expect(names).toHaveLength(keys + 3);
  expect((await storedPlaylist()).match(/URI="key-\d+\.key"/g)).toHaveLength(keys);
});

test("byte ranges without end are asked for, and what comes is named as short", async () => {
  const huge = Number.MAX_SAFE_INTEGER;
  const result = await download(
    vodPlaylist(3, (index) => `#EXT-X-BYTERANGE:${huge - 10 - index}@${index}\n/s.ts`),
  );
  expect(result.report.findings.map(({ kind }) => kind)).toEqual(Array(3).fill("short_segment"));
});

test("a segment without end stops at the bytes that are allowed", async () => {
  origin.setFault("/endless.ts", { kind: "infinite", start: SEGMENT });
  const endless = download(
    vodPlaylist(1, () => "/endless.ts"),
    { maxBytes: 5_000_000 },
  );
  await expect(endless).rejects.toMatchObject({ code: "media_budget_exceeded" });
  expect(await filesBelow(home)).toEqual({ published: [], staged: [] });
});

describe("what would be no whole copy is refused", () => {
  const master = (attributes: string): string =>
    [
      `#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="x",DEFAULT=YES${attributes}\n`,
      `#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO="b"\n/low.m3u8\n`,
      `#EXT-X-STREAM-INF:BANDWIDTH=2,AUDIO="a"\n/video.m3u8\n`,
    ].join("");

  beforeEach(() => {
    origin.setFile(
      "/video.m3u8",
      vodPlaylist(1, () => "/s.ts"),
    );
  });

  test.each(["/sound.m3u8", "/video.m3u8?track=sound"])("sound in %s", async (uri) => {
    await expect(download(master(`,URI="${uri}"`))).rejects.toMatchObject({
      code: "media_playlist_invalid",
      message: expect.stringContaining("AUDIO is in a playlist of its own"),
    });
    expect((await filesBelow(home)).published).toEqual([]);
  });

  test.each([
    ["inside the variant", ""],
    ["in the variant's own playlist", `,URI="/video.m3u8"`],
  ])("but not sound %s", async (_name, attributes) => {
    await expect(download(master(attributes))).resolves.toMatchObject({ kind: "stored" });
  });

  test("keys that only a DRM can get", async () => {
    const playlist = vodPlaylist(
      1,
      () =>
        `#EXT-X-KEY:METHOD=SAMPLE-AES,URI="/k",KEYFORMAT="com.apple.streamingkeydelivery"\n/s.ts`,
    );
    await expect(download(playlist)).rejects.toMatchObject({
      code: "media_playlist_invalid",
      message: expect.stringContaining("DRM"),
    });
  });

  test("a key that the origin refuses", async () => {
    origin.setFault("/refused.key", { kind: "status", status: 403 });
    const playlist = vodPlaylist(1, () => `#EXT-X-KEY:METHOD=AES-128,URI="/refused.key"\n/s.ts`);
    await expect(download(playlist)).rejects.toMatchObject({ code: "media_forbidden" });
  });

  test("a gap that the playlist names", async () => {
    const result = await download(
      vodPlaylist(2, (index) => (index === 0 ? "#EXT-X-GAP\n/gap.ts" : "/s.ts")),
    );
    expect(result).toMatchObject({ kind: "broken" });
    expect(result.report.findings).toMatchObject([
      { kind: "missing_segment", detail: expect.stringMatching(/^Segment 1 of 2 .*gap/) },
    ]);
    expect(origin.counters("/gap.ts").requests).toBe(0);
  });
});
