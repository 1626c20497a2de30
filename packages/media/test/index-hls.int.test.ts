import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DeclaredMedia, MediaReport } from "@reelgate/shared/contract/media";
import type { ErrorCode } from "@reelgate/shared/errors";
import { type MediaOrigin, startMediaOrigin } from "@reelgate/testkit/media-origin";
import { parseAllowedHosts } from "../src/guard/allowed-hosts.ts";
import { createMediaClient, type MediaClient } from "../src/http/media-client.ts";
import { indexMedia, type IndexOptions } from "../src/index-media.ts";

const SAMPLES_FOLDER = join(import.meta.dirname, "../../simulator/media");

const SAMPLE = "/hls/sample.m3u8";
const SAMPLE_BYTES = 72_944;

let origin: MediaOrigin;
let client: MediaClient;

beforeAll(async () => {
  origin = await startMediaOrigin({ root: SAMPLES_FOLDER });
  client = createMediaClient({
    allowedHosts: parseAllowedHosts("127.0.0.1"),
  });
});

afterAll(async () => {
  await client.close();
  await origin[Symbol.asyncDispose]();
});

function look(
  path: string,
  declared: Partial<DeclaredMedia> = {},
  options?: IndexOptions,
): Promise<MediaReport> {
  const all = { format: "hls", sizeBytes: SAMPLE_BYTES, durationS: 6, ...declared } as const;
  return indexMedia(client, origin.url + path, all, options);
}

const kinds = (report: MediaReport): string[] => report.findings.map(({ kind }) => kind);

/** Puts a playlist under an address of its own. `#` stands for an EXTINF of 2 s. */
function playlist(path: string, lines: string[], head = "#EXT-X-TARGETDURATION:2"): string {
  const body = lines.map((line) => (line === "#" ? "#EXTINF:2," : line)).join("\n");
  origin.setFile(path, `#EXTM3U\n${head}\n${body}\n`);
  return path;
}

describe("an HLS recording", () => {
  test("that is as declared has no finding", async () => {
    expect(await look(SAMPLE)).toEqual({
      media: {
        container: "hls",
        durationS: 6,
        durationIsExact: true,
        sizeBytes: 72_944,
        bitrateKbps: 97,
        video: { codec: "h264", width: 160, height: 90, fps: 25 },
        audio: { codec: "aac", sampleRateHz: 44_100, channels: 1 },
        hls: { segmentCount: 3, targetDurationS: 2, encrypted: false, variants: 0 },
      },
      findings: [],
    });
  });

  test.each([
    [72_944, []],
    [72_944 + 203, []],
    [72_300, []],
    [73_800, []],
    [72_000, ["size_mismatch"]],
    [74_000, ["size_mismatch"]],
    [203, ["size_mismatch"]],
  ])("declared with %i bytes: %j", async (sizeBytes, expected) => {
    expect(kinds(await look(SAMPLE, { sizeBytes }))).toEqual(expected);
  });

  test.each([
    [4, []],
    [8, []],
    [3.9, ["duration_mismatch"]],
    [8.1, ["duration_mismatch"]],
  ])("declared with %d s: %j", async (durationS, expected) => {
    expect(kinds(await look(SAMPLE, { durationS }))).toEqual(expected);
  });

  test("of an hour may differ by one percent", async () => {
    const path = playlist("/hour.m3u8", [
      ...Array.from({ length: 1800 }, () => ["#", "/hls/segment0.ts"]).flat(),
      "#EXT-X-ENDLIST",
    ]);
    expect(kinds(await look(path, { durationS: 3635, sizeBytes: 23_500 }))).toEqual([]);
    expect(kinds(await look(path, { durationS: 3650, sizeBytes: 23_500 }))).toEqual([
      "duration_mismatch",
    ]);
  });

  test("with a missing segment names it, and has no size", async () => {
    const path = playlist("/hls/hole.m3u8", [
      "#",
      "segment0.ts",
      "#",
      "gone.ts?sign=s3cret",
      "#",
      "segment2.ts",
      "#EXT-X-ENDLIST",
    ]);
    const report = await look(path);
    expect(report.media).toMatchObject({ durationS: 6, sizeBytes: null, bitrateKbps: null });
    expect(report.findings).toEqual([
      {
        kind: "missing_segment",
        declared: `${origin.url}/hls/gone.ts`,
        actual: null,
        detail: `Segment 2 of 3 (${origin.url}/hls/gone.ts) is missing: the origin says that it is not there.`,
      },
    ]);
  });

  test("with an empty segment and one that the playlist calls a gap", async () => {
    origin.setFile("/hls/empty.ts", "");
    const path = playlist("/hls/holes.m3u8", [
      "#",
      "empty.ts",
      "#",
      "#EXT-X-GAP",
      "nowhere.ts",
      "#",
      "segment2.ts",
      "#EXT-X-ENDLIST",
    ]);
    const report = await look(path);
    expect(report.findings.map(({ kind, detail }) => [kind, detail])).toEqual([
      ["short_segment", `Segment 1 of 3 (${origin.url}/hls/empty.ts) is empty.`],
      [
        "missing_segment",
        `Segment 2 of 3 (${origin.url}/hls/nowhere.ts) is missing: the playlist marks it as a gap.`,
      ],
    ]);
    expect(origin.requests.some(({ path: asked }) => asked.includes("nowhere"))).toBe(false);
  });

  test("whose playlist is cut has no end, and too little of everything", async () => {
    const path = playlist("/hls/cut.m3u8", ["#", "segment0.ts"]);
    expect(kinds(await look(path))).toEqual([
      "missing_endlist",
      "duration_mismatch",
      "size_mismatch",
    ]);
  });

  test("without segments is empty", async () => {
    const path = playlist("/none.m3u8", ["#EXT-X-ENDLIST"]);
    const report = await look(path, { durationS: 0, sizeBytes: 0 });
    expect(report.media).toMatchObject({ sizeBytes: 0, durationS: 0, bitrateKbps: null });
    expect(kinds(report)).toEqual(["empty_file"]);
  });

  test("with segments of unknown size has none, and says so", async () => {
    const packets = Buffer.alloc(188 * 30, "G");
    origin.setFile("/hls/untold.ts", packets);
    origin.setFault("/hls/untold.ts", { kind: "chunked" });
    const path = playlist("/hls/untold.m3u8", [
      "#",
      "segment0.ts",
      "#",
      "untold.ts",
      "#EXT-X-ENDLIST",
    ]);
    const report = await look(path, { durationS: 4 });
    expect(report.media).toMatchObject({ sizeBytes: null, bitrateKbps: null });
    expect(report.findings).toEqual([
      {
        kind: "not_fully_checked",
        declared: 2,
        actual: 1,
        detail: "The origin does not say how large 1 of 2 checked segments are.",
      },
    ]);
  });

  test("whose playlist may have been cut on its way is an error", async () => {
    const path = playlist("/hls/part.m3u8", ["#", "segment0.ts", "#EXT-X-ENDLIST"]);
    origin.setFault(path, { kind: "wrong-206", contentRange: "bytes 0-80/*" });
    await expect(look(path)).rejects.toMatchObject({ code: "media_bad_response" });
  });

  test("whose keys only a player can read says that it was not looked into", async () => {
    const encrypted = (key: string): string =>
      playlist("/hls/secret.m3u8", [key, "#", "segment0.ts", "#", "segment1.ts", "#EXT-X-ENDLIST"]);
    const declared = { sizeBytes: 48_504, durationS: 4 };
    const sealed = await look(
      encrypted('#EXT-X-KEY:METHOD=AES-128,URI="the-key",KEYFORMAT="com.example.drm"'),
      declared,
    );
    expect(sealed.media).toMatchObject({ video: null, audio: null, hls: { encrypted: true } });
    expect(sealed.findings.map(({ kind, detail }) => [kind, detail])).toContainEqual([
      "not_fully_checked",
      "2 of 2 checked segments could not be looked into: their key is of a format that only a player's DRM can read.",
    ]);
    const samples = await look(encrypted('#EXT-X-KEY:METHOD=SAMPLE-AES,URI="the-key"'), declared);
    expect(samples.media).toMatchObject({ video: null, audio: null, hls: { encrypted: true } });
    expect(samples.findings.map(({ detail }) => detail)).toContain(
      "Codecs are not known: the segments are encrypted with SAMPLE-AES.",
    );
    expect(origin.requests.some(({ path: asked }) => asked.includes("the-key"))).toBe(false);

    origin.setFault("/hls/the-key", { kind: "status", status: 403 });
    const refused = await look(encrypted('#EXT-X-KEY:METHOD=AES-128,URI="the-key"'), declared);
    expect(refused.findings.map(({ detail }) => detail)).toContain(
      "2 of 2 checked segments could not be looked into: the origin refuses their key.",
    );
    origin.setFault("/hls/the-key", { kind: "status", status: 503 });
    await expect(
      look(encrypted('#EXT-X-KEY:METHOD=AES-128,URI="the-key"'), declared),
    ).rejects.toMatchObject({ code: "media_origin_error" });
  });

  test("that is called encrypted, and is not, cannot be played", async () => {
    origin.setFile("/hls/a-key", "0123456789abcdef");
    const path = playlist("/hls/clear.m3u8", [
      '#EXT-X-KEY:METHOD=AES-128,URI="a-key"',
      "#",
      "segment0.ts",
      "#EXT-X-ENDLIST",
    ]);
    const { findings } = await look(path);
    expect(findings[1]).toMatchObject({
      kind: "corrupt_segment",
      detail: `Segment 1 of 1 (${origin.url}/hls/segment0.ts) is not encrypted, though the playlist says so: no player can decrypt it.`,
    });
  });

  test("behind a master playlist is its variant of the highest bandwidth", async () => {
    origin.setFile(
      "/master.m3u8",
      "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nlow.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=9\nhls/sample.m3u8\n",
    );
    const report = await look("/master.m3u8", { sizeBytes: 1 });
    // Nothing tells whether the declared size counts one variant or both.
    expect(report).toMatchObject({
      media: { durationS: 6, sizeBytes: 72_944, hls: { segmentCount: 3, variants: 2 } },
      findings: [],
    });
    expect(origin.requests.some(({ path }) => path === "/low.m3u8")).toBe(false);

    origin.setFile("/one.m3u8", "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=9\nhls/sample.m3u8\n");
    expect(kinds(await look("/one.m3u8", { sizeBytes: 1 }))).toEqual(["size_mismatch"]);
  });

  test("resolves its segments against the address after redirects", async () => {
    origin.setFault("/moved/away.m3u8", { kind: "redirect", location: "/hls/sample.m3u8" });
    expect((await look("/moved/away.m3u8")).findings).toEqual([]);
  });

  test("larger than the first read is read as a whole", async () => {
    const padding = `# ${"x".repeat(70_000)}`;
    const path = playlist("/hls/padded.m3u8", [
      padding,
      "#",
      "segment0.ts",
      "#",
      "segment1.ts",
      "#",
      "segment2.ts",
      "#EXT-X-ENDLIST",
    ]);
    expect((await look(path)).media).toMatchObject({ durationS: 6, hls: { segmentCount: 3 } });
  });

  test.each<[name: string, lines: string[], code: ErrorCode]>([
    ["a broken line", ["#EXTINF:NaN,", "a.ts"], "media_playlist_invalid"],
    ["a key without URI", ["#EXT-X-KEY:METHOD=AES-128", "#", "a.ts"], "media_playlist_invalid"],
    ["a segment elsewhere", ["#", "http://127.0.0.2/a.ts"], "media_url_forbidden"],
    ["a segment that is refused", ["#", "refused.ts"], "media_forbidden"],
    ["a segment that fails", ["#", "fails.ts"], "media_origin_error"],
  ])("with %s is an error", async (_name, lines, code) => {
    origin.setFault("/refused.ts", { kind: "status", status: 403 });
    origin.setFault("/fails.ts", { kind: "status", status: 502 });
    await expect(look(playlist("/broken.m3u8", lines))).rejects.toMatchObject({ code });
  });

  test("of a master playlist behind a master playlist is an error", async () => {
    origin.setFile("/outer.m3u8", "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nouter.m3u8\n");
    await expect(look("/outer.m3u8")).rejects.toMatchObject({ code: "media_playlist_invalid" });
  });

  test("asks for at most so many segments at a time", async () => {
    let most = 0;
    let now = 0;
    const counting: MediaClient = {
      ...client,
      async readPrefix(url, maxBytes, signal) {
        now += 1;
        most = Math.max(most, now);
        return await client.readPrefix(url, maxBytes, signal).finally(() => {
          now -= 1;
        });
      },
    };
    const names = Array.from({ length: 40 }, (_, index) => `/hls/segment0.ts?${index}`);
    const path = playlist(
      "/forty.m3u8",
      names.flatMap((name) => ["#", name]),
    );
    const declared = { format: "hls", sizeBytes: 940_000, durationS: 80 } as const;
    const report = await indexMedia(counting, origin.url + path, declared, {
      segmentConcurrency: 3,
      segments: "all",
    });
    expect(report.media.sizeBytes).toBe(940_000);
    expect(most).toBe(3);
  });

  test("stops asking at the first error, and with the caller's signal", async () => {
    const names = Array.from({ length: 100 }, (_, index) => `/stop${index}.ts`);
    for (const name of names) {
      origin.setFault(name, { kind: "no-answer" });
    }
    origin.setFault("/stop0.ts", { kind: "status", status: 500 });
    const path = playlist(
      "/stop.m3u8",
      names.flatMap((name) => ["#", name]),
    );
    const asked = (): number =>
      origin.requests.filter(({ path: seen }) => seen.startsWith("/stop")).length;
    await expect(look(path)).rejects.toMatchObject({ code: "media_origin_error" });
    expect(asked()).toBeLessThanOrEqual(9);

    origin.setFault("/stop0.ts", { kind: "no-answer" });
    const reason = new Error("shutting down");
    const controller = new AbortController();
    const before = asked();
    const report = look(path, {}, { signal: controller.signal });
    await expect.poll(asked).toBeGreaterThan(before + 2);
    controller.abort(reason);
    await expect(report).rejects.toBe(reason);
  });
});
