import { describe, expect, test } from "vitest";
import {
  AAC_CONFIGURATION,
  AAC_FRAME,
  AVC_CONFIGURATION,
  avcFrame,
  flvHeader,
  flvTag,
  onMetaData,
} from "../../../test/flv-tags.ts";
import { memorySource } from "../../../test/memory-source.ts";
import type { ByteSource } from "../../source/byte-source.ts";
import { indexFlv } from "./index-flv.ts";

const NEVER = new AbortController().signal;
const KIB = 1024;
const HEAD = Buffer.concat([
  flvHeader(5),
  flvTag(18, 0, onMetaData({ framerate: 25 })),
  flvTag(9, 0, AVC_CONFIGURATION),
  flvTag(8, 0, AAC_CONFIGURATION),
]);

function run(fromMs: number, toMs: number, frameBytes: number): Buffer {
  const tags: Buffer[] = [];
  for (let time = fromMs; time < toMs; time += 40) {
    tags.push(flvTag(9, time, avcFrame(time === fromMs, frameBytes)), flvTag(8, time, AAC_FRAME));
  }
  return Buffer.concat(tags);
}

/** Head and tail of a file, and between them zeros that nobody has to make. */
function withHole(head: Buffer, holeBytes: number, tail: Buffer): ByteSource {
  const near = memorySource(Buffer.concat([head, Buffer.alloc(4096), tail]));
  const sizeBytes = head.length + holeBytes + tail.length;
  const tailStart = sizeBytes - tail.length;
  const fetched = new Set<number>();
  return {
    ...near,
    sizeBytes,
    get fetchedBytes(): number {
      return fetched.size * 16 * KIB;
    },
    async read(offset, length, { fetchBytes = 64 * KIB } = {}) {
      const end = Math.min(sizeBytes, offset + length);
      const fetchEnd = Math.min(sizeBytes, Math.max(end, offset + fetchBytes));
      for (let block = Math.floor(offset / (16 * KIB)); block * 16 * KIB < fetchEnd; block += 1) {
        fetched.add(block);
      }
      const bytes = Buffer.alloc(Math.max(0, end - offset));
      bytes.set(head.subarray(Math.min(offset, head.length), Math.min(end, head.length)));
      const fromTail = Math.max(offset, tailStart);
      if (fromTail < end) {
        bytes.set(tail.subarray(fromTail - tailStart, end - tailStart), fromTail - offset);
      }
      return bytes;
    },
  };
}

const HOUR_MS = 3_600_000;
const BEGINNING = Buffer.concat([HEAD, run(0, 4000, 2000)]);

describe("of a large file only the ends are read", () => {
  test.each([
    ["small frames: head and tail alone", 2000, 128 * KIB],
    ["frames of 100 KB, of which no window holds two", 100_000, 256 * KIB],
  ])("%s", async (_name, frameBytes, maxBytes) => {
    const tail = run(HOUR_MS - 4000, HOUR_MS, frameBytes);
    const source = withHole(Buffer.concat([HEAD, run(0, 4000, frameBytes)]), 500_000_000, tail);
    const report = await indexFlv(source, NEVER);
    expect(report).toMatchObject({
      durationS: 3600,
      // Timestamps may begin anew in between, and no metadata says that they do not.
      durationIsExact: false,
      completeness: "unknown",
      findings: [],
      video: { codec: "h264", width: 162, height: 90, fps: 25 },
      audio: { codec: "aac", sampleRateHz: 44_100, channels: 2 },
    });
    expect(source.fetchedBytes).toBeLessThanOrEqual(maxBytes);
  });

  test("the fourth byte of a timestamp counts: it plays for more than 4.7 hours", async () => {
    const source = withHole(BEGINNING, 500_000_000, run(17_996_000, 18_000_000, 2000));
    expect(await indexFlv(source, NEVER)).toMatchObject({ durationS: 18_000, findings: [] });
  });

  test("a keyframe index of hours does not hide the configuration behind it", async () => {
    const index = Buffer.concat([
      Buffer.from([10, 0, 0, 0x9c, 0x40]),
      ...Array.from({ length: 40_000 }, () => Buffer.alloc(9, 0)),
    ]);
    const head = Buffer.concat([
      flvHeader(5),
      flvTag(18, 0, onMetaData({ framerate: 25, keyframes: index })),
      HEAD.subarray(13),
      run(0, 4000, 2000),
    ]);
    const source = withHole(head, 100_000_000, run(60_000, 64_000, 2000));
    expect(await indexFlv(source, NEVER)).toMatchObject({
      durationS: 64,
      video: { width: 162, fps: 25 },
      audio: { channels: 2 },
      findings: [],
    });
    expect(source.fetchedBytes).toBeLessThanOrEqual(256 * KIB);
  });
});

describe("a large file that is cut", () => {
  const sound = run(HOUR_MS - 4000, HOUR_MS, 2000);

  test("within a small tag", async () => {
    const source = withHole(BEGINNING, 200_000_000, sound.subarray(0, -500));
    const report = await indexFlv(source, NEVER);
    expect(report.completeness).toBe("truncated");
    expect(report.findings).toMatchObject([
      {
        kind: "truncated",
        actual: source.sizeBytes,
        detail: expect.stringContaining("3599.960 s"),
      },
    ]);
    expect(source.fetchedBytes).toBeLessThanOrEqual(256 * KIB);
  });

  test("within a key frame of two megabytes", async () => {
    const huge = flvTag(9, HOUR_MS, avcFrame(true, 3_000_000)).subarray(0, 2_000_000);
    const source = withHole(BEGINNING, 200_000_000, Buffer.concat([sound, huge]));
    const report = await indexFlv(source, NEVER);
    expect(report).toMatchObject({ completeness: "truncated", audio: { channels: 2 } });
    expect(report.findings).toMatchObject([
      { kind: "truncated", declared: source.sizeBytes + 1_000_020, actual: source.sizeBytes },
    ]);
    expect(source.fetchedBytes).toBeLessThan(6_000_000);
  });

  test("to zeros: how long it plays is not known", async () => {
    const source = withHole(
      Buffer.concat([HEAD, run(0, 4000, 2000)]),
      100_000_000,
      Buffer.alloc(0),
    );
    expect(await indexFlv(source, NEVER)).toMatchObject({
      durationS: null,
      durationIsExact: false,
      video: { width: 162 },
      findings: [{ kind: "damaged" }],
    });
    expect(source.fetchedBytes).toBeLessThan(6_000_000);
  });
});

test("times that begin anew out of sight leave the duration open", async () => {
  const source = withHole(
    Buffer.concat([HEAD, run(HOUR_MS, HOUR_MS + 4000, 2000)]),
    100_000_000,
    run(60_000, 64_000, 2000),
  );
  expect(await indexFlv(source, NEVER)).toMatchObject({
    durationS: null,
    durationIsExact: false,
    findings: [{ kind: "not_fully_checked" }],
  });
});
