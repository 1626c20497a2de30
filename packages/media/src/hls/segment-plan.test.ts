import { basename } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, test } from "vitest";
import { createFolderClient } from "../source/folder-client.ts";
import { parsePlaylist } from "./parse-playlist.ts";
import { planSegments, sampleIndexes, type SegmentPart } from "./segment-plan.ts";

const NEVER = new AbortController().signal;

test.each([
  [0, []],
  [1, [0]],
  [2, [0, 1]],
  [10, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]],
  [1001, [0, 111, 222, 333, 444, 556, 667, 778, 889, 1000]],
])("of %i files the sample is the first, the last and eight between", (count, indexes) => {
  expect(sampleIndexes(count, 8)).toEqual(indexes);
});

describe("what a segment goes on from", () => {
  const client = createFolderClient(import.meta.dirname);

  async function follows(lines: readonly string[]): Promise<Record<string, string | null>> {
    const text = ["#EXTM3U", "#EXT-X-TARGETDURATION:2", ...lines, "#EXT-X-ENDLIST", ""].join("\n");
    const playlist = parsePlaylist(Buffer.from(text));
    if (playlist.kind !== "media") {
      throw new Error("not a media playlist");
    }
    const plan = await planSegments(client, playlist, pathToFileURL(import.meta.filename), NEVER);
    const nameOf = ({ file }: SegmentPart): string => basename(file.url);
    return Object.fromEntries(
      plan.segments.map((part) => [nameOf(part), part.follows && nameOf(part.follows)]),
    );
  }
  const segment = (name: string): string => `#EXTINF:2,\n${name}`;

  test("is the one before it", async () => {
    expect(await follows(["a", "b", "c"].map(segment))).toEqual({ a: null, b: "a", c: "b" });
  });

  test("is none behind a discontinuity", async () => {
    const lines = [segment("a"), "#EXT-X-DISCONTINUITY", segment("b"), segment("c")];
    expect(await follows(lines)).toEqual({ a: null, b: null, c: "b" });
  });

  test("is none behind a segment that the playlist names again", async () => {
    const names = ["a", "b", "a", "c"].map(segment);
    expect(await follows(names)).toEqual({ a: null, b: "a", c: null });
  });
});

test("keys that only a player's DRM can get are no addresses; those that are fetched go through the guard", async () => {
  const client = createFolderClient(import.meta.dirname);
  const planOf = async (key: string): Promise<number> => {
    const text = `#EXTM3U\n#EXT-X-TARGETDURATION:2\n${key}\n#EXTINF:2,\na\n#EXT-X-ENDLIST\n`;
    const playlist = parsePlaylist(Buffer.from(text));
    if (playlist.kind !== "media") {
      throw new Error("not a media playlist");
    }
    const base = pathToFileURL(import.meta.filename);
    return (await planSegments(client, playlist, base, NEVER)).segments.length;
  };
  const drm = `#EXT-X-KEY:METHOD=SAMPLE-AES,URI="skd://x",KEYFORMAT="com.apple.streamingkeydelivery"`;
  expect(await planOf(drm)).toBe(1);
  await expect(planOf(`#EXT-X-KEY:METHOD=AES-128,URI="skd://x"`)).rejects.toMatchObject({
    code: "media_url_forbidden",
  });
});
