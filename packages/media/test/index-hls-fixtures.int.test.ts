import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Finding, MediaReport } from "@reelgate/shared/contract/media";
import {
  fixturePath,
  MEDIA_FIXTURES,
  MEDIA_FIXTURES_FOLDER,
  mediaFixture,
  type MediaFixtureName,
} from "@reelgate/testkit/media-fixtures";
import { type MediaOrigin, startMediaOrigin } from "@reelgate/testkit/media-origin";
import { parseAllowedHosts } from "../src/guard/allowed-hosts.ts";
import { createMediaClient, type MediaClient } from "../src/http/media-client.ts";
import { indexMedia } from "../src/index-media.ts";
import { createFolderClient } from "../src/source/folder-client.ts";
import { type Declared, NOTHING_DECLARED } from "../src/report/compare-declared.ts";

let origin: MediaOrigin;
let client: MediaClient;

beforeAll(async () => {
  origin = await startMediaOrigin({ root: MEDIA_FIXTURES_FOLDER });
  client = createMediaClient({ allowedHosts: parseAllowedHosts("127.0.0.1") });
});

afterAll(async () => {
  await client.close();
  await origin[Symbol.asyncDispose]();
});

function look(
  path: string,
  segments: "all" | "sample" = "all",
  declared: Declared = NOTHING_DECLARED,
): Promise<MediaReport> {
  return indexMedia(client, `${origin.url}/${path}`, declared, { segments });
}

const hls = MEDIA_FIXTURES.filter(({ format }) => format === "hls");
const intact = hls.filter(({ damage }) => damage === null).map(({ name }) => name);

describe("a sound fixture is described as ffprobe does, and nothing is found wrong", () => {
  test.each(intact)("%s", async (name) => {
    const { path, ffprobe } = mediaFixture(name);
    const { media, findings } = await look(path);
    expect(findings).toEqual([]);
    // ffprobe describes the first variant, which here is not the one of the highest bandwidth.
    const described = name === "hls/master" ? mediaFixture("hls/ts").ffprobe : ffprobe;
    expect({ video: media.video, audio: media.audio }).toEqual({
      video: described.video,
      audio: described.audio,
    });
    expect(media.durationS).toBeCloseTo(ffprobe.durationS ?? Number.NaN, 2);
    expect(media.sizeBytes).toBeGreaterThan(0);
  });

  test.each(["hls/ts", "hls/fmp4", "hls/aes-sequence-iv"] as const)(
    "%s, of which ten segments are looked at",
    async (name) => {
      const { path, ffprobe } = mediaFixture(name);
      const { media, findings } = await look(path, "sample");
      expect(media).toMatchObject({ video: ffprobe.video, audio: ffprobe.audio });
      const isSampled = (media.hls?.segmentCount ?? 0) > 10;
      expect(media.sizeBytes === null).toBe(isSampled);
      expect(findings.map(({ detail }) => detail)).toEqual(
        isSampled ? ["10 of 12 segments were checked."] : [],
      );
    },
  );
});

const NO_ENDLIST =
  "The playlist has no EXT-X-ENDLIST: the recording is not finished, or its end is cut off.";
const KEY_MISSING = "4 of 4 checked segments could not be looked into: their key is missing.";

/** Each finding by its kind and its sentence; `…` stands for the address of the fixture's own folder. */
const FINDINGS: Partial<Record<MediaFixtureName, readonly (readonly [string, string])[]>> = {
  "damaged/empty.m3u8": [["empty_file", "The file has no bytes."]],
  "damaged/hls-segment-missing": [
    [
      "missing_segment",
      "Segment 3 of 4 (…/missing.ts) is missing: the origin says that it is not there.",
    ],
  ],
  "damaged/hls-segment-empty": [["short_segment", "Segment 3 of 4 (…/empty.ts) is empty."]],
  "damaged/hls-segment-html": [
    ["corrupt_segment", "Segment 3 of 4 (…/html.ts) is an HTML document."],
  ],
  "damaged/hls-segment-cut": [
    [
      "short_segment",
      "Segment 3 of 4 (…/cut.ts) ends inside a TS packet: 4794 bytes are no multiple of 188.",
    ],
  ],
  // Nothing in the segment tells: see below.
  "damaged/hls-segment-cut-between-packets": [
    [
      "short_segment",
      "Segment 3 of 4 (…/cut.ts) ends too early: the next segment does not go on with the packet behind its last one.",
    ],
  ],
  "damaged/hls-segment-random": [
    [
      "corrupt_segment",
      "Segment 3 of 4 (…/random.ts) is unknown data that begins with ed16b67ea2942d32.",
    ],
  ],
  "damaged/hls-no-endlist": [["missing_endlist", NO_ENDLIST]],
  "damaged/hls-playlist-cut": [
    ["missing_endlist", NO_ENDLIST],
    ...[1, 2, 3, 4].map(
      (number) =>
        [
          "missing_segment",
          `Segment ${number} of 4 (…/segment${number - 1}.ts) is missing: the origin says that it is not there.`,
        ] as const,
    ),
  ],
  "damaged/hls-init-missing": [
    [
      "missing_segment",
      "Init section (…/missing.mp4) is missing: the origin says that it is not there.",
    ],
  ],
  "damaged/hls-init-cut": [
    [
      "short_segment",
      "Init section (…/init.mp4) is cut: its moov reaches to byte 1364, the segment has 682.",
    ],
  ],
  "damaged/hls-fmp4-segment-cut": [
    [
      "short_segment",
      "Segment 3 of 3 (…/cut.m4s) is cut: its mdat reaches to byte 6963, the segment has 4874.",
    ],
  ],
  "damaged/hls-byterange-beyond-end": [
    [
      "short_segment",
      "Segment 4 of 4 (bytes 29328 to 39104 of …/short.ts) reaches to byte 39104 of a file that has 31283.",
    ],
  ],
  "damaged/hls-key-missing": [
    ["missing_key", "The key …/missing.bin is missing: the origin says that it is not there."],
    ["not_fully_checked", KEY_MISSING],
  ],
  "damaged/hls-key-wrong": [
    ["b99500c9c20fc049", 0],
    ["fcbe4557eda37f9a", 1],
    ["fcfdf935fb66d0b8", 2],
    ["6d8a1255416d7e76", 3],
  ].map(
    ([start, index]) =>
      [
        "corrupt_segment",
        `Segment ${Number(index) + 1} of 4 (…/../../hls/aes-sequence-iv/segment${index}.ts) does not decrypt to media with its key: what comes out is unknown data that begins with ${start}.`,
      ] as const,
  ),
  "damaged/hls-key-short": [
    ["missing_key", "…/key.bin is no key: it has 15 bytes, a key has 16."],
    ["not_fully_checked", KEY_MISSING],
  ],
  "damaged/hls-key-html": [
    ["missing_key", "…/key.bin is no key: it has 93 bytes (an HTML document), a key has 16."],
    ["not_fully_checked", KEY_MISSING],
  ],
  "damaged/hls-aes-cut-in-block": [
    [
      "short_segment",
      "Segment 3 of 4 (…/cut.ts) ends inside a block of AES: 8597 bytes are no multiple of 16.",
    ],
  ],
  "damaged/hls-aes-cut-between-blocks": [
    [
      "short_segment",
      "Segment 3 of 4 (…/cut.ts) ends inside a TS packet: 8576 to 8591 decrypted bytes are no multiple of 188.",
    ],
  ],
  "damaged/hls-aes-other-iv": [
    [
      "corrupt_segment",
      "Segment 3 of 4 (…/other.ts) does not decrypt to media with its key: what comes out is unknown data that begins with aa56a76ca2d6dd17.",
    ],
  ],
};
/** What cannot be reported on at all. */
const ERRORS: Partial<Record<MediaFixtureName, string>> = {
  "damaged/html.m3u8": "media_not_media",
  "damaged/hls-variant-missing": "media_not_found",
};

function shortened({ kind, detail }: Finding, name: MediaFixtureName): readonly [string, string] {
  const folder = `${origin.url}/${name}`;
  return [
    kind,
    detail.replaceAll(`${origin.url}/hls/`, `${folder}/../../hls/`).replaceAll(folder, "…"),
  ];
}

describe("a damaged fixture has its finding, which names the segment", () => {
  const damaged = hls.filter(({ damage }) => damage !== null);

  test.each(damaged.map(({ name, damage }) => [name, damage] as const))("%s: %s", async (name) => {
    const { path } = mediaFixture(name);
    const outcome = await look(path).then(
      ({ findings }) => findings.map((finding) => shortened(finding, name)),
      ({ code }: { code: string }) => code,
    );
    expect(outcome).toEqual(ERRORS[name] ?? FINDINGS[name]);
  });
});

describe("a local copy", () => {
  const local = intact.filter((name) => name !== "hls/absolute-path");

  test.each(local)("%s is described as over HTTP", async (name) => {
    const { path } = mediaFixture(name);
    const folder = createFolderClient(MEDIA_FIXTURES_FOLDER);
    const url = pathToFileURL(fixturePath(name)).href;
    const report = await indexMedia(folder, url, NOTHING_DECLARED, { segments: "all" });
    expect(report).toEqual(await look(path));
    await folder.close();
  });

  test("does not lead out of its folder", async () => {
    const folder = createFolderClient(join(MEDIA_FIXTURES_FOLDER, "hls/relative"));
    const url = pathToFileURL(fixturePath("hls/relative")).href;
    await expect(indexMedia(folder, url, NOTHING_DECLARED)).rejects.toMatchObject({
      code: "media_url_forbidden",
    });
    await folder.close();
  });
});

describe("what is fetched", () => {
  test("one request for each segment, for 128 KiB of the first and 4 KiB of the others", async () => {
    const { path } = mediaFixture("hls/ts");
    const start = origin.requests.length;
    await look(path);
    const requests = origin.requests.slice(start);
    const asked = (range: string): number =>
      requests.filter(({ headers }) => headers["range"] === range).length;
    const sizes = ["bytes=0-4095", "bytes=0-131071"].map(asked);
    expect([...sizes, requests.length]).toEqual([11, 1, 13]);
    expect(new Set(requests.map((request) => request.path)).size).toBe(13);
  });

  test("more of the first segment, up to 512 KiB, while its sound has not begun", async () => {
    const bytes = readFileSync(join(MEDIA_FIXTURES_FOLDER, "hls/ts/segment0.ts"));
    const isSound = (at: number): boolean => (bytes.readUInt16BE(at + 1) & 0x1fff) === 0x101;
    const packetStarts = Array.from({ length: bytes.length / 188 }, (_, index) => index * 188);
    const soundStart = packetStarts.find(isSound) ?? 0;
    const nothing = Buffer.alloc(188, "471fff10", "hex");
    async function rangesFor(packets: number): Promise<readonly (string | null)[]> {
      const path = `/late-${packets}`;
      const filler = Array.from({ length: packets }, () => nothing);
      const parts = [bytes.subarray(0, soundStart), ...filler, bytes.subarray(soundStart)];
      origin.setFile(`${path}.ts`, Buffer.concat(parts));
      origin.setFile(
        `${path}.m3u8`,
        `#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n${path}.ts\n#EXT-X-ENDLIST\n`,
      );
      const { media, findings } = await look(`${path.slice(1)}.m3u8`);
      expect(media.video).toMatchObject({ codec: "h264", width: 160 });
      expect([media.audio?.codec ?? findings[0]?.detail]).toEqual([
        packets < 3000 ? "aac" : "Codecs are not all known: the audio stream could not be read.",
      ]);
      return origin.counters(`${path}.ts`).ranges;
    }
    expect(await rangesFor(600)).toEqual(["bytes=0-131071"]);
    const doubled = ["bytes=0-131071", "bytes=131072-262143", "bytes=262144-524287"];
    expect(await rangesFor(2000)).toEqual(doubled);
    expect(await rangesFor(6000)).toEqual(doubled);
  });

  test("codecs come from the first sound segment, also behind another init section", async () => {
    const bytesOf = (name: string): Buffer =>
      readFileSync(join(MEDIA_FIXTURES_FOLDER, "hls/fmp4", name));
    const names = readdirSync(join(MEDIA_FIXTURES_FOLDER, "hls/fmp4"));
    const init = bytesOf(names.find((name) => name.endsWith(".mp4")) ?? "");
    origin.setFile("/maps/a.mp4", init);
    origin.setFile("/maps/b.mp4", init);
    origin.setFile("/maps/1.m4s", bytesOf(names.find((name) => name.endsWith("0.m4s")) ?? ""));
    const lines = ["a.mp4", "b.mp4"].map(
      (map, index) => `#EXT-X-MAP:URI="${map}"\n#EXTINF:1,\n${index}.m4s\n`,
    );
    origin.setFile(
      "/maps/index.m3u8",
      `#EXTM3U\n#EXT-X-TARGETDURATION:1\n${lines.join("")}#EXT-X-ENDLIST\n`,
    );
    const { media, findings } = await look("maps/index.m3u8");
    expect(findings.map(({ kind }) => kind)).toEqual(["missing_segment"]);
    expect(media.video).toMatchObject({ codec: "h264", width: 160 });
  });

  test("a key is asked for once, whatever the number of its segments", async () => {
    const { path } = mediaFixture("hls/aes-sequence-iv");
    const before = origin.counters("/hls/aes-sequence-iv/key.bin").requests;
    await look(path);
    expect(origin.counters("/hls/aes-sequence-iv/key.bin").requests - before).toBe(1);
  });

  test("a range of a file is asked for where it lies", async () => {
    const { path } = mediaFixture("hls/fmp4-byterange");
    const before = origin.counters("/hls/fmp4-byterange/all.mp4").requests;
    await look(path);
    const ranges = origin.counters("/hls/fmp4-byterange/all.mp4").ranges.slice(before);
    expect(ranges).toHaveLength(5);
    expect(new Set(ranges).size).toBe(5);
  });
});
