import fc from "fast-check";
import { expect, test } from "vitest";
import { findAdts, readAc3, readMpegAudio } from "./audio-header.ts";

const bytes = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, "hex"));

test.each([
  [
    "MPEG-1 layer III, 44,100 Hz joint stereo",
    "fffb9064",
    { codec: "mp3", sampleRateHz: 44_100, channels: 2 },
  ],
  [
    "MPEG-1 layer III, 48,000 Hz mono",
    "fffb94c4",
    { codec: "mp3", sampleRateHz: 48_000, channels: 1 },
  ],
  ["MPEG-2 layer III, 22,050 Hz", "fff39064", { codec: "mp3", sampleRateHz: 22_050, channels: 2 }],
  ["MPEG-1 layer II, 48,000 Hz", "fffda404", { codec: "mp2", sampleRateHz: 48_000, channels: 2 }],
  ["layer I", "ffff9064", null],
  ["a reserved rate", "fffb9c64", null],
  ["a bitrate that there is none of", "fffbf064", null],
  ["another sync", "fedb9064", null],
  ["too little", "fffb", null],
])("MPEG audio: %s", (_name, hex, expected) => {
  expect(readMpegAudio(bytes(hex))).toEqual(expected);
});

test.each([
  [
    "AC-3, 48,000 Hz stereo",
    "0b77000014404000",
    { codec: "ac3", sampleRateHz: 48_000, channels: 2 },
  ],
  ["AC-3, 48,000 Hz 5.1", "0b7700001440e100", { codec: "ac3", sampleRateHz: 48_000, channels: 6 }],
  ["AC-3, 44,100 Hz mono", "0b77000054402000", { codec: "ac3", sampleRateHz: 44_100, channels: 1 }],
  [
    "E-AC-3, 48,000 Hz 5.1",
    "0b7700ff3f800000",
    { codec: "eac3", sampleRateHz: 48_000, channels: 6 },
  ],
  [
    "E-AC-3 at half a rate",
    "0b7700ffc4800000",
    { codec: "eac3", sampleRateHz: 24_000, channels: 2 },
  ],
  ["a reserved rate", "0b770000d4404000", null],
  ["a bit stream of the future", "0b77000014f84000", null],
  ["another sync", "0b78000014404000", null],
  ["too little", "0b7700001440", null],
])("AC-3: %s", (_name, hex, expected) => {
  expect(readAc3(bytes(hex))).toEqual(expected);
});

// 44,100 Hz mono, two frames of nine bytes.
const FRAME = "fff15040013ffc0000";

test.each([
  ["at the start", FRAME, true],
  ["at the start, cut behind its header", FRAME.slice(0, 14), true],
  ["behind other bytes, with a second frame", `00ff${FRAME}${FRAME}`, true],
  ["behind other bytes, alone", `00ff${FRAME}`, false],
  ["before another stream", `${FRAME}fff14c80013ffc0000`, false],
  ["nowhere", "00".repeat(50), false],
])("AAC %s", (_name, hex, expected) => {
  const found = { codec: "aac", sampleRateHz: 44_100, channels: 1 };
  expect(findAdts(bytes(hex))).toEqual(expected ? found : null);
});

test("any bytes give a track or null", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (input) => {
      for (const track of [findAdts(input), readAc3(input), readMpegAudio(input)]) {
        expect(track === null || (track.sampleRateHz > 0 && track.channels > 0)).toBe(true);
      }
    }),
  );
});
