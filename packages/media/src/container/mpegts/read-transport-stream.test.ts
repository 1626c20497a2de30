import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fixturePath, mediaFixture } from "@reelgate/testkit/media-fixtures";
import { readTransportStream } from "./read-transport-stream.ts";

const PACKET_BYTES = 188;
const NULL_PACKET = Buffer.alloc(PACKET_BYTES, "471fff10", "hex");

type TsFixture = "hls/ts" | "hls/ts-b-frames" | "hls/ts-hevc" | "hls/ts-low" | "hls/ts-audio-only";

function segment(name: TsFixture): Buffer {
  return readFileSync(fixturePath(name).replace("index.m3u8", "segment0.ts"));
}

function packets(bytes: Buffer): Buffer[] {
  return Array.from({ length: bytes.length / PACKET_BYTES }, (_, index) =>
    bytes.subarray(index * PACKET_BYTES, (index + 1) * PACKET_BYTES),
  );
}

const pidOf = (packet: Buffer): number => packet.readUInt16BE(1) & 0x1fff;
const isStart = (packet: Buffer): boolean => ((packet[1] ?? 0) & 0x40) !== 0;
const read = (bytes: Uint8Array): ReturnType<typeof readTransportStream> =>
  readTransportStream(new Uint8Array(bytes));

describe("the beginning of a transport stream", () => {
  test.each([
    "hls/ts",
    "hls/ts-b-frames",
    "hls/ts-hevc",
    "hls/ts-low",
    "hls/ts-audio-only",
  ] as const)("%s is described as ffprobe does", (name) => {
    const { video, audio } = mediaFixture(name).ffprobe;
    expect(read(segment(name))).toEqual({ video, audio, unread: [], wantsMore: false });
  });

  test("wants more until each track has shown itself", () => {
    const all = packets(segment("hls/ts"));
    const audioStart = all.findIndex((packet) => pidOf(packet) === 0x101);
    expect(audioStart).toBeGreaterThan(2);
    const early = read(Buffer.concat(all.slice(0, audioStart)));
    expect(early).toMatchObject({ audio: null, unread: ["the audio stream"], wantsMore: true });
    expect(read(Buffer.concat(all.slice(0, 2)))).toMatchObject({ video: null, wantsMore: true });
    expect(read(new Uint8Array())).toMatchObject({ video: null, audio: null, wantsMore: true });
  });

  test("ends where the packets end", () => {
    const bytes = segment("hls/ts");
    bytes[PACKET_BYTES * 2] = 0;
    expect(read(bytes)).toMatchObject({ video: null, audio: null });
  });

  test("without tables tells nothing", () => {
    const payload = packets(segment("hls/ts")).filter((packet) => pidOf(packet) >= 0x100);
    expect(read(Buffer.concat(payload))).toMatchObject({ video: null, audio: null, unread: [] });
  });

  test("skips packets of others, and what is scrambled", () => {
    const all = packets(segment("hls/ts"));
    const spread = all.flatMap((packet) => [packet, NULL_PACKET]);
    expect(read(Buffer.concat(spread))).toEqual(read(segment("hls/ts")));
    const scrambled = all.map((packet) => {
      const copy = Buffer.from(packet);
      if (pidOf(packet) === 0x100) {
        copy[3] = (copy[3] ?? 0) | 0x80;
      }
      return copy;
    });
    expect(read(Buffer.concat(scrambled))).toMatchObject({ video: null, audio: { codec: "aac" } });
  });

  test("names pictures and sound of kinds that are not read", () => {
    const all = packets(segment("hls/ts"));
    const table = all.find((packet) => pidOf(packet) === 0x1000);
    const streamType = table?.indexOf(Buffer.from("1be100", "hex")) ?? -1;
    expect(streamType).toBeGreaterThan(0);
    table?.writeUInt8(0x42, streamType);
    expect(read(Buffer.concat(all))).toMatchObject({
      video: null,
      audio: { codec: "aac" },
      unread: ["a stream of type 0x42"],
    });
  });
});

describe("the frame rate", () => {
  /** The video of the fixture with other times of decoding, in ticks of 90,000 Hz. */
  function withTimes(ticksAt: (frame: number) => number): Buffer {
    let frame = 0;
    const all = packets(segment("hls/ts")).map((packet) => {
      const copy = Buffer.from(packet);
      if (pidOf(copy) !== 0x100 || !isStart(copy)) {
        return copy;
      }
      const payload = 4 + (((copy[3] ?? 0) & 0x20) === 0 ? 0 : 1 + (copy[4] ?? 0));
      const ticks = ticksAt(frame) % 2 ** 33;
      frame += 1;
      const [high, middle, low] = [
        Math.floor(ticks / 2 ** 30),
        Math.floor(ticks / 2 ** 15) & 0x7fff,
        ticks % 2 ** 15,
      ];
      copy[payload + 7] = 0x80;
      copy[payload + 9] = 0x21 | (high << 1);
      copy.writeUInt16BE((middle << 1) | 1, payload + 10);
      copy.writeUInt16BE((low << 1) | 1, payload + 12);
      return copy;
    });
    expect(frame).toBe(25);
    return Buffer.concat(all);
  }

  test.each([
    ["steady", (frame: number) => frame * 3600, 25],
    // The parameter set says 25, and so nearly do times that were rounded to milliseconds.
    ["rounded", (frame: number) => frame * 3600 + (frame % 2) * 90, 25],
    ["another than the parameter set's", (frame: number) => frame * 3003, 29.97],
    ["over the wrap of the counter", (frame: number) => 2 ** 33 - 7200 + frame * 3600, 25],
    ["until the times run backwards", (frame: number) => (frame < 9 ? frame * 6000 : 0), 15],
    ["until the times jump", (frame: number) => (frame < 9 ? frame * 6000 : frame * 9e6), 15],
    ["of nothing but equal times", () => 5, null],
  ] as const)("%s", (_name, ticksAt, expected) => {
    expect(read(withTimes(ticksAt)).video?.fps).toBe(expected);
  });
});

describe("any bytes", () => {
  const files = (["hls/ts", "hls/ts-b-frames", "hls/ts-hevc"] as const).map((name) =>
    segment(name),
  );

  test("give a description, soon", () => {
    const places = fc.array(
      fc.record({ at: fc.nat({ max: 11_000 }), byte: fc.nat({ max: 255 }) }),
      {
        maxLength: 20,
      },
    );
    fc.assert(
      fc.property(
        fc.constantFrom(...files),
        places,
        fc.nat({ max: 11_000 }),
        (file, edits, end) => {
          const bytes = new Uint8Array(file.subarray(0, end));
          for (const { at, byte } of edits) {
            if (at < bytes.length) {
              bytes[at] = byte;
            }
          }
          const { video, audio } = readTransportStream(bytes);
          expect(video === null || (video.width > 0 && video.height > 0)).toBe(true);
          expect(audio === null || (audio.sampleRateHz > 0 && audio.channels > 0)).toBe(true);
        },
      ),
      { numRuns: 2000 },
    );
  });

  test.each([
    [
      "starts of packets without end",
      Buffer.from("47410030b700000001e000008080052100010001", "hex"),
    ],
    ["start codes without end", Buffer.from("4701001000000001", "hex")],
  ])("512 KiB of %s take less than 100 ms", (_name, start) => {
    const tables = packets(segment("hls/ts")).filter((packet) => pidOf(packet) < 0x100);
    const map = packets(segment("hls/ts")).filter((packet) => pidOf(packet) === 0x1000);
    const filler = Buffer.alloc(PACKET_BYTES, "00000167", "hex");
    start.copy(filler);
    const body = Array.from({ length: 2780 }, () => filler);
    const bytes = new Uint8Array(Buffer.concat([...tables, ...map, ...body]));
    const before = process.threadCpuUsage();
    readTransportStream(bytes);
    const { user, system } = process.threadCpuUsage(before);
    expect((user + system) / 1000).toBeLessThan(100);
  });
});
