import { join } from "node:path";
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DeclaredMedia, FileFormat, MediaReport } from "@reelgate/shared/contract/media";
import type { ErrorCode } from "@reelgate/shared/errors";
import { MEDIA_FIXTURES_FOLDER } from "@reelgate/testkit/media-fixtures";
import {
  type MediaOrigin,
  type OriginFault,
  startMediaOrigin,
} from "@reelgate/testkit/media-origin";
import { parseAllowedHosts } from "../src/guard/allowed-hosts.ts";
import { createMediaClient, type MediaClient } from "../src/http/media-client.ts";
import { indexMedia } from "../src/index-media.ts";
import { NOTHING_DECLARED } from "../src/report/compare-declared.ts";

const SAMPLES_FOLDER = join(import.meta.dirname, "../../simulator/media");

const SAMPLES = {
  mp4: ["/sample.mp4", 55_782],
  flv: ["/sample.flv", 57_391],
  aac: ["/sample.aac", 26_298],
  hls: ["/hls/sample.m3u8", 72_944],
} as const satisfies Record<FileFormat, readonly [path: string, sizeBytes: number]>;
/** A box without a meaning, that makes a file longer than what is read of it at once. */
const FREE = Buffer.alloc(300_000);
FREE.writeUInt32BE(FREE.length, 0);
FREE.write("free", 4);
const NO_DETAILS = {
  durationS: null,
  durationIsExact: false,
  bitrateKbps: null,
  video: null,
  audio: null,
  hls: null,
};

let origin: MediaOrigin;
let client: MediaClient;

beforeAll(async () => {
  origin = await startMediaOrigin({ root: SAMPLES_FOLDER });
  client = createMediaClient({
    allowedHosts: parseAllowedHosts("127.0.0.1"),
    bodyIdleTimeoutMs: 3000,
  });
});

afterAll(async () => {
  await client.close();
  await origin[Symbol.asyncDispose]();
});

function look(path: string, declared: Partial<DeclaredMedia> = {}): Promise<MediaReport> {
  const all = { format: "hls", sizeBytes: SAMPLES.hls[1], durationS: 6, ...declared } as const;
  return indexMedia(client, origin.url + path, all);
}

const kinds = (report: MediaReport): string[] => report.findings.map(({ kind }) => kind);

describe("a single file", () => {
  test.each(["mp4", "flv", "aac"] as const)(
    "%s that is as declared has no finding",
    async (format) => {
      const [path, sizeBytes] = SAMPLES[format];
      const { media, findings } = await look(path, { format, sizeBytes });
      expect(findings).toEqual([]);
      expect(media).toMatchObject({
        container: format,
        sizeBytes,
        durationIsExact: true,
        video: format === "aac" ? null : { codec: "h264", width: 160, height: 90, fps: 25 },
        audio: { codec: "aac", sampleRateHz: 44_100, channels: 1 },
        hls: null,
      });
      expect(media.durationS).toBeCloseTo(6, 1);
      expect(media.bitrateKbps).toBe(
        Math.round((sizeBytes * 8) / (media.durationS ?? Number.NaN) / 1000),
      );
    },
  );

  test("that is cut is a wrong size and truncated, with both values", async () => {
    origin.setFile("/cut.mp4", readFileSync(`${SAMPLES_FOLDER}/sample.mp4`));
    origin.setFault("/cut.mp4", { kind: "truncated", atByte: 40_000 });
    const report = await look("/cut.mp4", { format: "mp4", sizeBytes: 55_782 });
    expect(report.media.sizeBytes).toBe(40_000);
    expect(report.findings).toMatchObject([
      // By its own structure, whatever was declared.
      { kind: "truncated", declared: 55_782, actual: 40_000 },
      {
        kind: "size_mismatch",
        declared: 55_782,
        actual: 40_000,
        detail: "The file has 40000 bytes; 55782 were declared.",
      },
    ]);
  });

  test("that has no mark of its end is cut when it is shorter than declared", async () => {
    const report = await look("/sample.aac", { format: "aac", sizeBytes: 30_000 });
    expect(report.findings).toMatchObject([
      { kind: "size_mismatch" },
      {
        kind: "truncated",
        declared: 30_000,
        actual: 26_298,
        detail: "3702 of the declared bytes are missing.",
      },
    ]);
  });

  test("one byte longer than declared is a wrong size, and not truncated", async () => {
    expect(kinds(await look("/sample.flv", { format: "flv", sizeBytes: 57_390 }))).toEqual([
      "size_mismatch",
    ]);
  });

  test("of another container is named by its bytes", async () => {
    const report = await look("/sample.flv", { format: "mp4", sizeBytes: 57_391 });
    expect(report.media.container).toBe("flv");
    expect(report.findings).toEqual([
      {
        kind: "container_mismatch",
        declared: "mp4",
        actual: "flv",
        detail: "By its first bytes the file is flv; mp4 was declared.",
      },
    ]);
  });

  test("of MPEG-TS where HLS was declared", async () => {
    const report = await look("/hls/segment0.ts", { sizeBytes: 23_500 });
    expect(report.media).toMatchObject({ container: "mpegts", sizeBytes: 23_500, hls: null });
    expect(kinds(report)).toEqual(["container_mismatch", "not_fully_checked"]);
    expect(report.media).toMatchObject({ durationS: null, video: { codec: "h264" } });
  });

  test("that is a playlist where MP4 was declared is read as what it is", async () => {
    const report = await look(SAMPLES.hls[0], { format: "mp4", sizeBytes: SAMPLES.hls[1] });
    expect(report.media).toMatchObject({ container: "hls", hls: { segmentCount: 3 } });
    expect(kinds(report)).toEqual(["container_mismatch"]);
  });

  test("without a byte is a finding, whatever was declared", async () => {
    origin.setFile("/empty.mp4", "");
    const report = await look("/empty.mp4", { format: "mp4", sizeBytes: 10 });
    expect(report.media).toEqual({ container: "mp4", sizeBytes: 0, ...NO_DETAILS });
    expect(report.findings).toEqual([
      { kind: "empty_file", declared: 10, actual: 0, detail: "The file has no bytes." },
    ]);
  });

  test("of which the origin does not tell the size is read to its end to learn it", async () => {
    const file = readFileSync(`${SAMPLES_FOLDER}/sample.mp4`);
    origin.setFile("/long.mp4", Buffer.concat([file, FREE]));
    origin.setFault("/long.mp4", { kind: "chunked" });
    const sizeBytes = file.length + FREE.length;
    expect(await look("/long.mp4", { format: "mp4", sizeBytes })).toMatchObject({
      media: { sizeBytes, video: { codec: "h264" } },
      findings: [],
    });
  });

  test("of which the origin does not tell the size although it takes ranges is an error", async () => {
    origin.setFile(
      "/long.flv",
      Buffer.concat([readFileSync(`${SAMPLES_FOLDER}/sample.flv`), Buffer.alloc(50_000)]),
    );
    origin.setFault("/long.flv", { kind: "wrong-206", contentRange: "bytes 0-65535/*" });
    await expect(look("/long.flv", { format: "flv", sizeBytes: 1 })).rejects.toMatchObject({
      code: "media_bad_response",
    });

    origin.setFile("/short.flv", readFileSync(`${SAMPLES_FOLDER}/sample.flv`));
    origin.setFault("/short.flv", { kind: "chunked" });
    const [, sizeBytes] = SAMPLES.flv;
    const report = await look("/short.flv", { format: "flv", sizeBytes });
    expect(report).toMatchObject({ media: { sizeBytes }, findings: [] });
  });

  test.each([
    ["<!DOCTYPE html><title>Sign in</title>", "an HTML document"],
    [
      "<?xml version='1.0'?><Error><Code>AccessDenied</Code>",
      "an XML error document (AccessDenied)",
    ],
    ['{"code":404}', "a JSON document"],
    ["\u0000\u0000", "a file that begins with zero bytes"],
  ])("that is no media is an error that says what it is: %s", async (content, description) => {
    origin.setFile("/other", content);
    await expect(look("/other?q-sign=s3cret", { format: "mp4" })).rejects.toMatchObject({
      code: "media_not_media",
      message: `${origin.url}/other is ${description}, not a recording.`,
    });
  });

  test.each<[OriginFault, ErrorCode]>([
    [{ kind: "status", status: 404 }, "media_not_found"],
    [{ kind: "status", status: 403 }, "media_forbidden"],
    [{ kind: "status", status: 429, headers: { "retry-after": "1" } }, "media_rate_limited"],
    [{ kind: "status", status: 500 }, "media_origin_error"],
    [{ kind: "drop", atByte: 1000 }, "media_connection_failed"],
    [{ kind: "stall", atByte: 1000 }, "media_timeout"],
    [{ kind: "gzip" }, "media_bad_response"],
    [{ kind: "wrong-206", contentRange: "bytes 1-2/3" }, "media_bad_response"],
    [{ kind: "redirect", location: "http://127.0.0.2/" }, "media_url_forbidden"],
  ])("behind %j is the error %s", async (fault, code) => {
    origin.setFile("/faulty.mp4", readFileSync(`${SAMPLES_FOLDER}/sample.mp4`));
    origin.setFault("/faulty.mp4", fault);
    await expect(look("/faulty.mp4", { format: "mp4" })).rejects.toMatchObject({ code });
  });

  test("of 6 GB is read in a few requests on one connection", async () => {
    await using own = await startMediaOrigin();
    const sample = readFileSync(`${SAMPLES_FOLDER}/sample.mp4`);
    const sizeBytes = 6_000_000_000;
    const padding = Buffer.alloc(16);
    padding.writeUInt32BE(1, 0);
    padding.write("free", 4);
    padding.writeBigUInt64BE(BigInt(sizeBytes - sample.length), 8);
    own.setSparseFile("/large.mp4", sizeBytes, [
      { offset: 0, bytes: sample },
      { offset: sample.length, bytes: padding },
    ]);
    const report = await indexMedia(client, `${own.url}/large.mp4`, {
      format: "mp4",
      sizeBytes,
      durationS: 6,
    });
    expect(report).toMatchObject({ media: { sizeBytes, durationS: 6 }, findings: [] });
    expect(own.requests.length).toBeLessThanOrEqual(2);
    expect(own.connections).toBe(1);
    expect(own.sentBytes).toBeLessThanOrEqual(131_072);
  });

  test("replaced midway is never half of each", async () => {
    await using own = await startMediaOrigin({ root: MEDIA_FIXTURES_FOLDER });
    const path = "/mp4/moov-last.mp4";
    const padded = Buffer.concat([FREE, readFileSync(`${MEDIA_FIXTURES_FOLDER}${path}`)]);
    own.setFile(path, padded);
    own.setReplacement(path, Buffer.from(padded).fill(0, 100_000), { fromRequest: 2 });
    await expect(indexMedia(client, own.url + path, NOTHING_DECLARED)).rejects.toMatchObject({
      code: "media_changed",
      retryable: true,
    });
  });
});
