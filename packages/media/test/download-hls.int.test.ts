import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { FINDING_SEVERITIES, type FindingKind } from "@reelgate/shared/contract/media";
import { type MediaOrigin, startMediaOrigin } from "@reelgate/testkit/media-origin";
import {
  MEDIA_FIXTURES,
  MEDIA_FIXTURES_FOLDER,
  type MediaFixture,
} from "@reelgate/testkit/media-fixtures";
import { downloadMedia, type DownloadResult } from "../src/download/download-media.ts";
import { parseAllowedHosts } from "../src/guard/allowed-hosts.ts";
import { createMediaClient, type MediaClient } from "../src/http/media-client.ts";
import { indexMedia } from "../src/index-media.ts";
import { NOTHING_DECLARED } from "../src/report/compare-declared.ts";
import { createFolderClient } from "../src/source/folder-client.ts";
import { createLocalFolderStorage } from "../src/storage/local-folder.ts";
import { filesBelow, sha256 } from "./download-setup.ts";

const NAME = "app/live/room/20261123-0";

let origin: MediaOrigin;
let client: MediaClient;
let root: string;

beforeAll(async () => {
  origin = await startMediaOrigin({ root: MEDIA_FIXTURES_FOLDER });
  client = createMediaClient({ allowedHosts: parseAllowedHosts("127.0.0.1") });
});

afterAll(async () => {
  await client.close();
  await origin[Symbol.asyncDispose]();
});

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "reelgate-download-hls-"));
});

afterEach(async () => {
  await rm(root, { recursive: true });
});

async function download(path: string): Promise<DownloadResult> {
  const storage = createLocalFolderStorage(root);
  return await downloadMedia(client, `${origin.url}/${path}`, NOTHING_DECLARED, NAME, storage);
}

function hlsFixtures(isSound: boolean): readonly MediaFixture[] {
  return MEDIA_FIXTURES.filter(
    ({ name, format, damage }) =>
      format === "hls" && !name.endsWith(".m3u8") && (damage === null) === isSound,
  );
}

/** Hashes by name, as SHA256SUMS gives them. */
async function readSums(folder: string): Promise<Map<string, string>> {
  const text = await readFile(join(folder, "SHA256SUMS"), "utf8");
  return new Map(
    text
      .trimEnd()
      .split("\n")
      .map((line): [string, string] => {
        const match = /^([0-9a-f]{64}) {2}([^/ ]+)$/.exec(line);
        return [match?.[2] ?? "", match?.[1] ?? ""];
      }),
  );
}

/** Hashes of everything that the fixture's folder and those that it borrows from hold, whole and by byte range. */
async function servedHashes(): Promise<ReadonlySet<string>> {
  const hashes = new Set<string>();
  const folder = join(MEDIA_FIXTURES_FOLDER, "hls");
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  for (const entry of entries.filter((candidate) => candidate.isFile())) {
    const bytes = await readFile(join(entry.parentPath, entry.name));
    hashes.add(sha256(bytes));
    if (entry.name === "index.m3u8") {
      await addRanges(hashes, entry.parentPath, bytes.toString());
    }
  }
  return hashes;
}

async function addRanges(hashes: Set<string>, folder: string, playlist: string): Promise<void> {
  const ranges = playlist.matchAll(/BYTERANGE[:=]"?(\d+)@(\d+)/g);
  const file = /^(?!#)\S+$/m.exec(playlist)?.[0] ?? "";
  for (const [, length, offset] of ranges) {
    const bytes = await readFile(join(folder, file));
    hashes.add(sha256(bytes.subarray(Number(offset), Number(offset) + Number(length))));
  }
}

describe("an intact recording is stored as it was served", () => {
  test.each(hlsFixtures(true))("$name", async ({ path }) => {
    const result = await download(path);

    const folder = join(root, NAME);
    expect(result).toMatchObject({
      kind: "stored",
      stored: { url: `${pathToFileURL(folder).href}/index.m3u8` },
    });
    const sums = await readSums(folder);
    const names = (await filesBelow(root)).published.map((file) => file.slice(NAME.length + 1));
    expect(names).toEqual([...sums.keys(), "SHA256SUMS"].toSorted());
    const served = await servedHashes();
    const stored = new Map<string, string>();
    for (const name of sums.keys()) {
      stored.set(name, sha256(await readFile(join(folder, name))));
    }
    expect(stored).toEqual(sums);
    const foreign = [...sums].filter(([name, sum]) => name !== "index.m3u8" && !served.has(sum));
    expect(foreign).toEqual([]);
    expect((await filesBelow(root)).staged).toEqual([]);

    const local = createFolderClient(folder);
    const playlist = pathToFileURL(join(folder, "index.m3u8")).href;
    const look = await indexMedia(local, playlist, NOTHING_DECLARED, { segments: "all" });
    const remote = await indexMedia(client, `${origin.url}/${path}`, NOTHING_DECLARED, {
      segments: "all",
    });
    expect(look.findings).toEqual([]);
    expect({ ...look.media.hls, variants: remote.media.hls?.variants }).toEqual(remote.media.hls);
    expect({ ...look.media, hls: null, sizeBytes: 0, bitrateKbps: 0 }).toEqual({
      ...remote.media,
      hls: null,
      sizeBytes: 0,
      bitrateKbps: 0,
    });
  });
});

/** What is told of each: the kind, and what the sentence says. A part is named by its number and its address. */
const THIRD = /^Segment 3 of 4 \(http:.*\/(?:missing|empty|html|cut|random|other)\.ts\) /;
const BROKEN: Readonly<Record<string, readonly [FindingKind, RegExp][]>> = {
  "damaged/hls-segment-missing": [["missing_segment", THIRD]],
  "damaged/hls-segment-empty": [["short_segment", THIRD]],
  "damaged/hls-segment-html": [["corrupt_segment", THIRD]],
  "damaged/hls-segment-cut": [["short_segment", THIRD]],
  "damaged/hls-segment-random": [["corrupt_segment", THIRD]],
  "damaged/hls-no-endlist": [["missing_endlist", /ENDLIST/]],
  "damaged/hls-playlist-cut": [
    ...[1, 2, 3, 4].map((number): [FindingKind, RegExp] => [
      "missing_segment",
      new RegExp(`^Segment ${number} of 4 .*segment${number - 1}\\.ts`),
    ]),
    ["missing_endlist", /ENDLIST/],
  ],
  "damaged/hls-init-missing": [["missing_segment", /^Init section .*missing\.mp4/]],
  "damaged/hls-init-cut": [["short_segment", /^Init section .*init\.mp4/]],
  "damaged/hls-fmp4-segment-cut": [["short_segment", /^Segment 3 of 3 .*cut\.m4s/]],
  "damaged/hls-byterange-beyond-end": [
    ["short_segment", /^Segment 4 of 4 \(bytes 29328 to 39104 .*a file that has 31283/],
  ],
  "damaged/hls-key-missing": [["missing_key", /missing\.bin/]],
  "damaged/hls-key-wrong": [1, 2, 3, 4].map((number) => [
    "corrupt_segment",
    new RegExp(`^Segment ${number} of 4 .*segment${number - 1}\\.ts.* does not decrypt`),
  ]),
  "damaged/hls-key-short": [["missing_key", /key\.bin is no key: it has 15 bytes/]],
  "damaged/hls-key-html": [["missing_key", /key\.bin is no key: .*HTML/]],
  "damaged/hls-segment-cut-between-packets": [
    ["short_segment", /Segment 3 of 4 .* ends too early/],
  ],
  "damaged/hls-aes-cut-in-block": [["short_segment", THIRD]],
  "damaged/hls-aes-cut-between-blocks": [["short_segment", THIRD]],
  "damaged/hls-aes-other-iv": [["corrupt_segment", THIRD]],
};

describe("a damaged recording is not stored, and what is wrong with it is named", () => {
  test.each(hlsFixtures(false).filter(({ name }) => name in BROKEN))(
    "$name: $damage",
    async ({ name, path }) => {
      const result = await download(path);
      expect(result.kind).toBe("broken");
      const findings = result.report.findings.filter(
        ({ kind }) => FINDING_SEVERITIES[kind] === "broken",
      );
      expect(findings.map(({ kind, detail }) => [kind, detail])).toEqual(
        (BROKEN[name] ?? []).map(([kind, text]) => [kind, expect.stringMatching(text)]),
      );
      expect((await filesBelow(root)).published).toEqual([]);
    },
  );

  test("a variant that is not there is an error, as the recording itself is not", async () => {
    await expect(download("damaged/hls-variant-missing/index.m3u8")).rejects.toMatchObject({
      code: "media_not_found",
    });
    expect((await filesBelow(root)).published).toEqual([]);
  });

  test("every damage of a fixture is in one of these tests", () => {
    const others = hlsFixtures(false).filter(({ name }) => !(name in BROKEN));
    expect(others.map(({ name }) => name)).toEqual(["damaged/hls-variant-missing"]);
  });
});
