import { readFileSync } from "node:fs";
import { cpuTimeMs } from "@reelgate/testkit/cpu-time";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fixturePath } from "@reelgate/testkit/media-fixtures";
import { amfNumber, flvHeader, flvTag, onMetaData } from "../../../test/flv-tags.ts";
import { memorySource } from "../../../test/memory-source.ts";
import { readMetadataNumbers } from "./amf0.ts";
import { indexFlv } from "./index-flv.ts";

const NEVER = new AbortController().signal;

async function expectReport(file: Uint8Array): Promise<void> {
  const source = memorySource(file);
  const { durationS, durationIsExact, completeness, findings, video } = await indexFlv(
    source,
    NEVER,
  );
  expect(durationS === null || (Number.isFinite(durationS) && durationS >= 0)).toBe(true);
  expect(durationIsExact).toBe(durationS !== null);
  expect(durationS !== null || findings.length > 0).toBe(true);
  expect(findings.some(({ kind }) => kind === "truncated")).toBe(completeness === "truncated");
  expect(findings.length).toBeLessThan(8);
  expect(video === null || (video.width > 0 && video.height > 0)).toBe(true);
}

const FIXTURES = (
  [
    "flv/full.flv",
    "flv/b-frames.flv",
    "flv/hevc-enhanced.flv",
    "flv/mp3.flv",
    "flv/no-metadata.flv",
  ] as const
).map((name) => readFileSync(fixturePath(name)));

const patched = fc
  .tuple(
    fc.constantFrom(...FIXTURES),
    fc.array(fc.tuple(fc.nat(50_000), fc.uint8Array({ minLength: 1, maxLength: 20 })), {
      maxLength: 8,
    }),
    fc.array(fc.tuple(fc.nat(600), fc.nat(255)), { maxLength: 4 }),
    fc.nat(50_000),
  )
  .map(([file, patches, headPatches, keep]) => {
    const copy = Uint8Array.from(file);
    for (const [offset, patch] of patches) {
      copy.set(patch.subarray(0, Math.max(0, copy.length - offset)), Math.min(offset, copy.length));
    }
    for (const [offset, value] of headPatches) {
      copy[offset] = value;
    }
    return keep % 2 === 0 ? copy : copy.subarray(0, keep);
  });

describe("any bytes give a report", () => {
  test("fixtures with foreign bytes in them, cut anywhere", async () => {
    await fc.assert(fc.asyncProperty(patched, expectReport), { numRuns: 400 });
  });

  test("tags of any content", async () => {
    const tag = fc
      .tuple(fc.constantFrom(8, 9, 18, 15, 7), fc.integer(), fc.uint8Array({ maxLength: 60 }))
      .map(([type, timestampMs, data]) => flvTag(type, timestampMs | 0, data));
    await fc.assert(
      fc.asyncProperty(fc.array(tag, { maxLength: 30 }), async (tags) => {
        await expectReport(Buffer.concat([flvHeader(5), ...tags]));
      }),
      { numRuns: 400 },
    );
  });

  test("noise behind a header", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 3000 }), async (noise) => {
        await expectReport(Buffer.concat([flvHeader(5), noise]));
        await expectReport(noise);
      }),
      { numRuns: 300 },
    );
  });

  test.each([
    ["tags of no data", flvTag(8, 0, new Uint8Array(0))],
    ["headers of tags that never end", Buffer.from([9, 0, 0, 200, 0, 0, 0, 0, 0, 0, 0])],
    ["bytes that all look like one", Buffer.from([8])],
  ])("megabytes of %s, in bounded time and bytes", async (_name, unit) => {
    const source = memorySource(Buffer.concat([flvHeader(5), Buffer.alloc(12_000_000, unit)]));
    const start = cpuTimeMs();
    const report = await indexFlv(source, NEVER);
    expect(report.findings.length).toBeGreaterThan(0);
    expect(source.fetchedBytes).toBeLessThan(8_000_000);
    expect(cpuTimeMs() - start).toBeLessThan(5000);
  });
});

describe("hostile metadata", () => {
  const nested = (marker: Buffer, depth: number): Buffer =>
    Buffer.concat(Array.from({ length: depth }, () => marker));

  test.each([
    ["objects in objects", nested(Buffer.from([3, 0, 1, 0x61]), 100_000)],
    ["arrays in arrays", nested(Buffer.from([10, 0xff, 0xff, 0xff, 0xff]), 100_000)],
    [
      "an array of four thousand million values",
      Buffer.from([10, 0xff, 0xff, 0xff, 0xff, 5, 5, 5]),
    ],
    ["a string longer than the file", Buffer.from([12, 0xff, 0xff, 0xff, 0xff])],
    ["an unknown type", Buffer.from([17])],
  ])("%s: what stands before it is kept", (_name, value) => {
    const script = onMetaData({ duration: 12, x: value, width: 640 });
    expect(readMetadataNumbers(script)?.get("duration")).toBe(12);
  });

  test("numbers in nested objects are not those of the file", () => {
    const inner = Buffer.concat([
      Buffer.from([3, 0, 5]),
      Buffer.from("width"),
      amfNumber(1),
      Buffer.from([0, 0, 9]),
    ]);
    const list = Buffer.concat([Buffer.from([10, 0, 0, 0, 2]), amfNumber(1), amfNumber(2)]);
    const numbers = readMetadataNumbers(onMetaData({ inner, list, width: 640 }));
    expect([...(numbers ?? [])]).toEqual([["width", 640]]);
  });

  test("as RTMP publishers send it", () => {
    const wrapped = Buffer.concat([
      Buffer.from([2, 0, 13]),
      Buffer.from("@setDataFrame"),
      onMetaData({ width: 2 }),
    ]);
    expect(readMetadataNumbers(wrapped)?.get("width")).toBe(2);
    expect(readMetadataNumbers(Buffer.from([2, 0, 1, 0x61, 8]))).toBeNull();
  });

  test("any script data is read or refused", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), (bytes) => {
        const script = Buffer.concat([onMetaData({}).subarray(0, -3), bytes]);
        expect(readMetadataNumbers(script)).toBeInstanceOf(Map);
      }),
    );
  });
});
