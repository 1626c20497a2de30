import { join } from "node:path";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { sniffContainer } from "./sniff.ts";

const SAMPLES_FOLDER = join(import.meta.dirname, "../../../simulator/media");

const sample = (name: string): Uint8Array => readFileSync(`${SAMPLES_FOLDER}/${name}`);
const bytes = (...parts: (string | number[])[]): Uint8Array =>
  Buffer.concat(
    parts.map((part) =>
      typeof part === "string" ? Buffer.from(part, "latin1") : Buffer.from(part),
    ),
  );

const repeated = (count: number, value: number): number[] =>
  Array.from({ length: count }, () => value);

describe("the container by the first bytes", () => {
  test.each([
    ["sample.mp4", "mp4"],
    ["sample.flv", "flv"],
    ["sample.aac", "aac"],
    ["hls/sample.m3u8", "hls"],
    ["hls/segment0.ts", "mpegts"],
  ])("of %s is %s, also of its first 200 bytes", (name, container) => {
    expect(sniffContainer(sample(name))).toEqual({ container });
    expect(sniffContainer(sample(name).subarray(0, 200))).toEqual({ container });
  });

  const ADTS = [...sample("sample.aac").subarray(0, 2048)];
  test.each<[string, Uint8Array, string]>([
    ["a playlist with a byte order mark", bytes([0xef, 0xbb, 0xbf], "#EXTM3U\r\n"), "hls"],
    ["a playlist of one tag", bytes("#EXTM3U"), "hls"],
    ["an MP4 segment", bytes([0, 0, 0, 24], "styp", repeated(16, 0)), "mp4"],
    ["media data first, 64-bit size", bytes([0, 0, 0, 1], "mdat", [0, 0, 0, 1, 0, 0, 0, 0]), "mp4"],
    ["media data to the end", bytes([0, 0, 0, 0], "mdat"), "mp4"],
    ["QuickTime's wide", bytes([0, 0, 0, 8], "wide", [0, 0, 1, 0], "mdat"), "mp4"],
    ["the time of the producer", bytes([0, 0, 0, 9], "prft", [1], [0, 0, 1, 0], "moof"), "mp4"],
    ["a box of a vendor", bytes([0, 0, 0, 9], "LivE", [1], [0, 0, 1, 0], "moof"), "mp4"],
    ["ADTS behind an ID3 tag", bytes("ID3", [4, 0, 0, 0, 0, 0, 3, 1, 2, 3], ADTS), "aac"],
    ["one cut ADTS frame", Uint8Array.from(ADTS.slice(0, 9)), "aac"],
  ])("%s", (_name, input, container) => {
    expect(sniffContainer(input)).toEqual({ container });
  });

  test.each<[string, Uint8Array, string]>([
    ["nothing", bytes(), "an empty file"],
    ["HTML", bytes("\n<!DOCTYPE html><html>"), "an HTML document"],
    ["HTML after a byte order mark", bytes([0xef, 0xbb, 0xbf], "<html>"), "an HTML document"],
    [
      "COS's error",
      bytes("<?xml version='1.0'?>\n<Error>\n<Code>NoSuchKey</Code>"),
      "an XML error document (NoSuchKey)",
    ],
    ["an error code that is none", bytes("<Error><Code>a b</Code>"), "an XML document"],
    ["JSON", bytes('{"error":"gone"}'), "a JSON document"],
    ["a GIF, which begins like a TS packet", bytes("GIF89a", repeated(300, 1)), "a GIF image"],
    ["zeros", new Uint8Array(1000), "a file that begins with zero bytes"],
    ["text", bytes("Not found\n"), "plain text"],
    ["text with the name of a box", bytes("The free meta of skip is wide\n"), "plain text"],
    ["#EXTM3U8", bytes("#EXTM3U8\n"), "plain text"],
    [
      "a hostile ftyp",
      bytes([0xff, 0, 0, 0], "ftypisom"),
      "unknown data that begins with ff00000066747970",
    ],
    [
      "an ftyp of 8 bytes",
      bytes([0, 0, 0, 8], "ftyp"),
      "unknown data that begins with 0000000866747970",
    ],
    [
      "FLV of version 2",
      bytes("FLV", [2, 5, 0, 0, 0, 9]),
      "unknown data that begins with 464c560205000000",
    ],
    [
      "MP3 with an ID3 tag",
      bytes("ID3", [4, 0, 0, 0, 0, 0, 0], [0xff, 0xfb, 0x90, 0, 0, 0, 0, 0]),
      "an audio file with an ID3 tag that holds no AAC within reach",
    ],
    [
      "a lone sync word",
      bytes([0xff, 0xf1, 0x50, 0x80, 0x02, 0x1f, 0xfc], repeated(40, 1)),
      "unknown data that begins with fff15080021ffc01",
    ],
    [
      "TS of which the second packet is none",
      bytes("G", repeated(400, 0)),
      "unknown data that begins with 4700000000000000",
    ],
  ])("%s is unknown", (_name, input, description) => {
    expect(sniffContainer(input)).toEqual({ container: "unknown", description });
  });

  test("any bytes give a result, and a short one", () => {
    const magic = fc.constantFrom("FLV", "#EXTM3U", "ID3", "\u00ff\u00f1", "G", "<", "{");
    fc.assert(
      fc.property(
        fc.option(magic, { nil: "" }),
        fc.uint8Array({ maxLength: 400 }),
        (start, rest) => {
          const result = sniffContainer(bytes(start, [...rest]));
          expect(result.container === "unknown" ? result.description.length : 0).toBeLessThan(100);
        },
      ),
      { numRuns: 2000 },
    );
  });

  test("random bytes are no recording", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 600, maxLength: 600 }), (input) => {
        // One ADTS frame can be longer than this: nothing within 600 bytes refutes its header, and one of 4,096 random
        // beginnings, more of fast-check's, looks like one.
        fc.pre(input[0] !== 0xff || ((input[1] ?? 0) & 0xf0) !== 0xf0);
        expect(sniffContainer(input).container).toBe("unknown");
      }),
      { numRuns: 2000 },
    );
  });

  test("a bit-flipped sample gives a result", () => {
    const names = fc.constantFrom("sample.mp4", "sample.flv", "sample.aac", "hls/segment0.ts");
    fc.assert(
      fc.property(names, fc.nat(64 * 8), (name, bit) => {
        const damaged = Uint8Array.from(sample(name).subarray(0, 4096));
        damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(sniffContainer(damaged).container).toBeTypeOf("string");
      }),
      { numRuns: 500 },
    );
  });
});
