import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { FindingKind } from "@reelgate/shared/contract/media";
import { fixturePath, MEDIA_FIXTURES } from "@reelgate/testkit/media-fixtures";
import { memorySource } from "../../../test/memory-source.ts";
import type { ByteSource } from "../../source/byte-source.ts";
import type { ContainerReport } from "../container-report.ts";
import { type AdtsOptions, indexAdts } from "./index-adts.ts";

const NEVER = new AbortController().signal;
const FRAME_S = 1024 / 44_100;

const index = (bytes: Uint8Array, options?: AdtsOptions): Promise<ContainerReport> =>
  indexAdts(memorySource(bytes), NEVER, options);
const fixture = (name: Parameters<typeof fixturePath>[0]): Buffer =>
  readFileSync(fixturePath(name));
const kinds = ({ findings }: ContainerReport): FindingKind[] => findings.map(({ kind }) => kind);
const plain = fixture("aac/plain.aac");

/** Frames, counted another way. */
function frameOffsets(file: Buffer): number[] {
  const offsets: number[] = [];
  for (let at = 0; at < file.length; at += (file.readUIntBE(at + 3, 3) >> 5) & 0x1fff) {
    offsets.push(at);
  }
  return offsets;
}

describe("a sound file", () => {
  const sound = MEDIA_FIXTURES.filter(
    ({ path, damage }) => path.startsWith("aac/") && damage === null,
  );

  test.each(sound.map((each) => [each.name, each] as const))(
    "%s: the audio that ffprobe names, and a counted duration",
    async (name, { ffprobe }) => {
      const report = await index(fixture(name));
      expect(report).toMatchObject({
        audio: ffprobe.audio,
        video: null,
        durationIsExact: true,
        completeness: "unknown",
        findings: [],
      });
    },
  );

  // ffprobe estimates by the rate of the first frames: 6.24 to 6.28 s, 9.5 s and 96.7 s of these.
  test.each([
    ["aac/plain.aac", 260 * FRAME_S],
    ["aac/crc.aac", 260 * FRAME_S],
    ["aac/mpeg-2.aac", 260 * FRAME_S],
    ["aac/ape.aac", 260 * FRAME_S],
    ["aac/id3v1.aac", 260 * FRAME_S],
    ["aac/id3v2.aac", 260 * FRAME_S],
    ["aac/id3v2-large.aac", 260 * FRAME_S],
    ["aac/stereo-48000.aac", 142 * (1024 / 48_000)],
    ["aac/noise-then-silence.aac", 1724 * FRAME_S],
    ["aac/silence-then-noise.aac", 1724 * FRAME_S],
  ] as const)("%s lasts %d s", async (name, durationS) => {
    expect((await index(fixture(name))).durationS).toBeCloseTo(durationS, 9);
  });

  test("several blocks in a frame each last 1,024 samples", async () => {
    const file = Buffer.from(plain);
    const [, second = 0] = frameOffsets(file);
    file[second + 6] = (file[second + 6] ?? 0) | 3;
    expect((await index(file)).durationS).toBeCloseTo(263 * FRAME_S, 9);
  });

  test("segments put together, tags between them, and another rate in the second", async () => {
    const { durationS, findings } = await index(
      Buffer.concat([
        fixture("aac/id3v2.aac"),
        fixture("aac/id3v2.aac"),
        fixture("aac/stereo-48000.aac"),
      ]),
    );
    expect(durationS).toBeCloseTo(520 * FRAME_S + (142 * 1024) / 48_000, 9);
    expect(findings).toEqual([]);
  });

  test("an APE tag with a header of its own, and an ID3v1 tag behind it", async () => {
    const bounds = (flags: number): Buffer => {
      const bytes = Buffer.alloc(32);
      bytes.write("APETAGEX", "latin1");
      bytes.writeUInt32LE(2000, 8);
      bytes.writeUInt32LE(32 + 50, 12);
      bytes.writeUInt32LE(flags, 20);
      return bytes;
    };
    const ape = Buffer.concat([bounds(0xa000_0000), Buffer.alloc(50, 0x61), bounds(0x8000_0000)]);
    const id3 = Buffer.concat([Buffer.from("TAG"), Buffer.alloc(125)]);
    const report = await index(Buffer.concat([plain, ape, id3]));
    expect(report.durationS).toBeCloseTo(260 * FRAME_S, 9);
    expect(report.findings).toEqual([]);
  });

  test("a single frame is one", async () => {
    const [, second = 0] = frameOffsets(plain);
    expect(await index(plain.subarray(0, second))).toMatchObject({
      durationS: FRAME_S,
      findings: [],
    });
  });

  test("channels that only the stream tells are read from its program config", async () => {
    // Channel configuration 0; in front of the block a program config of two pairs in front and a low frequency channel.
    const config = Buffer.from(
      "101 0000 01 0100 0010 0000 0000 01 000 0000 0 0 0 1 0000 1 0001".replaceAll(" ", ""),
    );
    const payload = Buffer.alloc(16);
    config.forEach((bit, position) => {
      payload[position >> 3] = (payload[position >> 3] ?? 0) | ((bit & 1) << (7 - (position & 7)));
    });
    const frame = Buffer.concat([Buffer.from([0xff, 0xf1, 0x50, 0x00, 0x02, 0xff, 0xfc]), payload]);
    const file = Buffer.concat([frame, frame, frame, frame]);
    expect(await index(file)).toMatchObject({
      durationS: 4 * FRAME_S,
      audio: { codec: "aac", sampleRateHz: 44_100, channels: 5 },
      findings: [],
    });
    for (const at of [0, 1, 2, 3]) {
      file[at * 23 + 7] = 0;
    }
    expect(await index(file)).toMatchObject({
      audio: null,
      durationS: 4 * FRAME_S,
      findings: [{ kind: "not_fully_checked" }],
    });
  });
});

describe("a damaged file", () => {
  test("cut inside the last frame", async () => {
    const report = await index(fixture("damaged/aac-cut-in-frame.aac"));
    expect(report.durationS).toBeCloseTo(259 * FRAME_S, 9);
    expect(report.completeness).toBe("truncated");
    expect(report.findings).toMatchObject([
      { kind: "truncated", declared: plain.length, actual: plain.length - 30 },
    ]);
  });

  test("cut inside the header of the last frame", async () => {
    const last = frameOffsets(plain).at(-1) ?? 0;
    const report = await index(plain.subarray(0, last + 3));
    expect(report.durationS).toBeCloseTo(259 * FRAME_S, 9);
    expect(report.findings).toMatchObject([
      { kind: "truncated", declared: last + 7, actual: last + 3 },
    ]);
  });

  test("cut inside its first frame, or inside the tag before it", async () => {
    expect(kinds(await index(plain.subarray(0, 10)))).toEqual(["truncated"]);
    expect(await index(fixture("aac/id3v2-large.aac").subarray(0, 5000))).toMatchObject({
      completeness: "truncated",
      durationS: null,
      findings: [{ kind: "truncated", actual: 5000 }],
    });
  });

  test("foreign bytes between frames are skipped and named", async () => {
    const report = await index(fixture("damaged/aac-garbage-in-the-middle.aac"));
    expect(report.durationS).toBeCloseTo(260 * FRAME_S, 9);
    expect(report.findings).toEqual([
      {
        kind: "damaged",
        declared: null,
        actual: 7580,
        detail: "From byte 7580 on there is no AAC frame: 2000 bytes had to be skipped.",
      },
    ]);
  });

  test("a hole costs the frames in it", async () => {
    const offsets = frameOffsets(plain);
    const whole = offsets.filter(
      (start, frame) => start < 5000 || (offsets[frame - 1] ?? 0) >= 7000 - 200,
    );
    const report = await index(fixture("damaged/aac-zeroed-hole.aac"));
    expect(kinds(report)).toEqual(["damaged"]);
    expect(Math.abs((report.durationS ?? 0) - whole.length * FRAME_S)).toBeLessThan(3 * FRAME_S);
  });

  test("two holes make one finding that counts both", async () => {
    const file = Buffer.from(plain).fill(0, 3000, 4000).fill(0, 9000, 9500);
    expect((await index(file)).findings).toMatchObject([
      { kind: "damaged", detail: expect.stringMatching(/, and in 1 more places \d+\.$/) },
    ]);
  });

  test("foreign bytes at both ends", async () => {
    const garbage = Buffer.alloc(1500, 0x41);
    const report = await index(Buffer.concat([garbage, plain, garbage]));
    expect(report.durationS).toBeCloseTo(260 * FRAME_S, 9);
    expect(report.findings).toMatchObject([
      { actual: 0, detail: expect.stringContaining("1500 bytes had to be skipped, and in 1 more") },
    ]);
  });

  test.each([
    ["a line end", Buffer.from("\r\n")],
    ["padding", Buffer.alloc(1000)],
  ])("%s behind the last frame harms nobody", async (_name, trailer) => {
    const report = await index(Buffer.concat([plain, trailer]));
    expect(report.durationS).toBeCloseTo(260 * FRAME_S, 9);
    expect(report).toMatchObject({
      durationIsExact: true,
      findings: [{ kind: "not_fully_checked", declared: plain.length }],
    });
  });

  test.each(["damaged/html.aac", "damaged/random.aac", "damaged/empty.aac"] as const)(
    "%s holds no frame",
    async (name) => {
      expect(await index(fixture(name))).toMatchObject({
        durationS: null,
        durationIsExact: false,
        audio: null,
        findings: [{ kind: "damaged" }],
      });
    },
  );
});

describe("a file beyond the cap", () => {
  test("has an estimated duration, and a finding says how much was scanned", async () => {
    const report = await index(plain, { maxScanBytes: 10_000 });
    expect(report.durationIsExact).toBe(false);
    expect(report.durationS).toBeCloseTo(6, 0);
    expect(report.findings).toMatchObject([
      { kind: "not_fully_checked", declared: plain.length, actual: 10_000 },
    ]);
  });

  test("exactly as long as the cap is scanned in full", async () => {
    expect(await index(plain, { maxScanBytes: plain.length })).toMatchObject({
      durationIsExact: true,
      findings: [],
    });
  });
});

test("the reason of the signal ends a long scan", async () => {
  const reason = new Error("stopped");
  const endless: ByteSource = {
    ...memorySource(plain),
    sizeBytes: Number.MAX_SAFE_INTEGER,
    async *stream() {
      for (;;) {
        yield plain;
      }
    },
  };
  const controller = new AbortController();
  setImmediate(() => controller.abort(reason));
  const scan = indexAdts(endless, controller.signal, { maxScanBytes: Number.MAX_SAFE_INTEGER });
  await expect(scan).rejects.toBe(reason);
});

/** The same bytes, but streamed in pieces of these lengths, over and over. */
function inPieces(bytes: Uint8Array, lengths: readonly number[]): ByteSource {
  return {
    ...memorySource(bytes),
    async *stream(offset) {
      for (let start = offset, turn = 0; start < bytes.length; turn += 1) {
        const length = lengths[turn % lengths.length] ?? 1;
        yield bytes.subarray(start, start + length);
        start += length;
      }
    },
  };
}

const anyFile = fc
  .tuple(
    fc.constantFrom<Uint8Array>(
      plain,
      fixture("aac/crc.aac"),
      fixture("aac/id3v2.aac"),
      fixture("aac/ape.aac"),
      fixture("damaged/aac-garbage-in-the-middle.aac"),
      fixture("damaged/aac-cut-in-frame.aac"),
    ),
    fc.array(fc.tuple(fc.nat(20_000), fc.uint8Array({ maxLength: 40 })), { maxLength: 6 }),
    fc.nat(20_000),
    fc.nat(20_000),
  )
  .map(([file, patches, start, cutOff]) => {
    const copy = Uint8Array.from(file);
    for (const [offset, patch] of patches) {
      copy.set(patch.subarray(0, Math.max(0, copy.length - offset)), Math.min(offset, copy.length));
    }
    return copy.subarray(
      start % 3 === 0 ? start : 0,
      copy.length - (cutOff % 2 === 0 ? cutOff : 0),
    );
  });

test("where the pieces are cut changes nothing", async () => {
  await fc.assert(
    fc.asyncProperty(
      anyFile,
      fc.array(fc.oneof(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 9000 })), {
        minLength: 1,
        maxLength: 8,
      }),
      async (file, lengths) => {
        expect(await indexAdts(inPieces(file, lengths), NEVER)).toEqual(await index(file));
      },
    ),
    { numRuns: 300 },
  );
});

test("one frame behind foreign bytes is none, wherever the pieces are cut", async () => {
  const frame = plain.subarray(0, frameOffsets(plain)[1]);
  const file = Buffer.concat([Buffer.alloc(30, 0x28), frame]);
  for (const lengths of [[200], [31], [1]]) {
    const { audio, findings } = await indexAdts(inPieces(file, lengths), NEVER);
    expect([audio, findings[0]?.detail]).toEqual([null, "There is not one AAC frame in the file."]);
  }
});

test("any bytes give a report", async () => {
  const syncs = fc
    .array(
      fc.constantFrom(
        [0xff, 0xf1],
        [0xff, 0xf1, 0x50, 0x80, 0x01, 0x1f, 0xfc],
        [0x49, 0x44, 0x33, 4, 0, 0, 0, 0, 0, 9],
        [0, 0],
      ),
      { maxLength: 400 },
    )
    .map((parts) => Uint8Array.from(parts.flat()));
  await fc.assert(
    fc.asyncProperty(fc.oneof(anyFile, syncs, fc.uint8Array({ maxLength: 3000 })), async (file) => {
      const { durationS, completeness, findings } = await index(file);
      expect(durationS === null || (durationS > 0 && durationS < 3600)).toBe(true);
      expect(durationS !== null || findings.length > 0).toBe(true);
      expect(findings.some(({ kind }) => kind === "truncated")).toBe(completeness === "truncated");
    }),
    { numRuns: 500 },
  );
});
