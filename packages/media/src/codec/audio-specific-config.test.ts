import fc from "fast-check";
import { expect, test } from "vitest";
import { parseAudioSpecificConfig } from "./audio-specific-config.ts";

const bytes = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, "hex"));

test.each([
  ["AAC-LC 44,100 Hz stereo", "1210", { sampleRateHz: 44_100, channels: 2 }],
  ["AAC-LC 48,000 Hz mono", "1188", { sampleRateHz: 48_000, channels: 1 }],
  ["AAC-LC 5.1", "11b0", { sampleRateHz: 48_000, channels: 6 }],
  ["an explicit frequency", "178056220800", { sampleRateHz: 44_100, channels: 1 }],
  ["HE-AAC: the rate of the output", "2b920800", { sampleRateHz: 44_100, channels: 2 }],
  ["HE-AAC v2: parametric stereo", "eb8a0800", { sampleRateHz: 44_100, channels: 2 }],
])("%s", (_name, hex, expected) => {
  expect(parseAudioSpecificConfig(bytes(hex))).toEqual(expected);
});

test.each([
  ["nothing", ""],
  ["half of it", "12"],
  ["a reserved frequency", "1690"],
  ["channels that only the stream describes", "1200"],
])("%s is no configuration", (_name, hex) => {
  expect(parseAudioSpecificConfig(bytes(hex))).toBeNull();
});

test("any bytes give a configuration or null", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 32 }), (input) => {
      const config = parseAudioSpecificConfig(input);
      expect(config === null || (config.sampleRateHz > 0 && config.channels > 0)).toBe(true);
    }),
  );
});
