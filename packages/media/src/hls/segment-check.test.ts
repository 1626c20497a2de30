import { createCipheriv } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MEDIA_FIXTURES_FOLDER } from "@reelgate/testkit/media-fixtures";
import { createSegmentVerifier } from "./segment-check.ts";
import type { SegmentLock } from "./segment-keys.ts";
import type { SegmentProblem } from "./segment-problems.ts";

const file = (name: string): Uint8Array =>
  new Uint8Array(readFileSync(join(MEDIA_FIXTURES_FOLDER, name)));

const CLEAR: SegmentLock = { kind: "clear" };
const CIPHER = {
  key: new Uint8Array(Buffer.from("00112233445566778899aabbccddeeff", "hex")),
  iv: new Uint8Array(16).fill(7),
};
const AES: SegmentLock = { kind: "aes", cipher: CIPHER };

function encrypt(bytes: Uint8Array, padding?: Uint8Array): Uint8Array {
  const cipher = createCipheriv("aes-128-cbc", CIPHER.key, CIPHER.iv);
  cipher.setAutoPadding(padding === undefined);
  const plain = padding === undefined ? bytes : Buffer.concat([bytes, padding]);
  return new Uint8Array(Buffer.concat([cipher.update(plain), cipher.final()]));
}

function verify(bytes: Uint8Array, lock: SegmentLock = CLEAR): SegmentProblem | null {
  const verifier = createSegmentVerifier(lock);
  verifier.push(bytes);
  return verifier.end();
}

function box(type: string, bodyBytes: number): Uint8Array {
  const bytes = Buffer.alloc(8 + bodyBytes, 0x33);
  bytes.writeUInt32BE(bytes.length, 0);
  bytes.write(type, 4);
  return bytes;
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function joined(...parts: Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

const SOUND: readonly (readonly [string, Uint8Array])[] = [
  ["TS", file("hls/ts/segment0.ts")],
  ["one TS packet", file("hls/ts/segment0.ts").subarray(0, 188)],
  ["fMP4", file("hls/fmp4/segment0.m4s")],
  ...["prft", "uuid", "udta", "pssh", "emsg", "sidx", "free", "LivE"].flatMap(
    (type): [string, Uint8Array][] => [
      [`fMP4 behind ${type}`, joined(box(type, 30), file("hls/fmp4/segment0.m4s"))],
      [`fMP4 before ${type}`, joined(file("hls/fmp4/segment0.m4s"), box(type, 5000))],
    ],
  ),
  ["an init section", file("hls/fmp4/init.mp4")],
  ["packed AAC", file("hls/packed-aac/segment0.aac")],
  ["packed AAC with its time", file("hls/packed-aac-id3/segment0.aac")],
  ["WebVTT", new TextEncoder().encode("WEBVTT\n\n00:00.000 --> 00:01.000\nHello\n")],
];

describe("a sound segment passes, in the clear and encrypted", () => {
  test.each(SOUND)("%s", (_name, bytes) => {
    expect(verify(bytes)).toBeNull();
    expect(verify(encrypt(bytes), AES)).toBeNull();
  });

  test("encrypted by another program", () => {
    const cipher = {
      key: file("hls/aes-sequence-iv/key.bin"),
      iv: new Uint8Array([...Array.from({ length: 15 }, () => 0), 7]),
    };
    const bytes = file("hls/aes-sequence-iv/segment0.ts");
    expect(verify(bytes, { kind: "aes", cipher })).toBeNull();
  });
});

describe("what is wrong with a segment", () => {
  const [ts, fmp4, aac] = [
    file("hls/ts/segment0.ts"),
    file("hls/fmp4/segment0.m4s"),
    file("hls/packed-aac/segment0.aac"),
  ];

  function without(bytes: Uint8Array, at: number): Uint8Array {
    const copy = bytes.slice();
    copy[at] = 0;
    return copy;
  }

  test.each<[name: string, bytes: Uint8Array, kind: SegmentProblem["kind"], text: RegExp]>([
    ["nothing", new Uint8Array(), "short_segment", /^is empty$/],
    ["an error page", new TextEncoder().encode("<!DOCTYPE html><p>no"), "corrupt_segment", /HTML/],
    ["zeros", new Uint8Array(10_000), "corrupt_segment", /zero bytes/],
    ["TS cut in a packet", ts.subarray(0, -1), "short_segment", /ends inside a TS packet/],
    ["less than a packet", ts.subarray(0, 100), "short_segment", /ends inside a TS packet/],
    [
      "TS without a sync byte near",
      without(ts, 188),
      "corrupt_segment",
      /begins with|no TS packet/,
    ],
    [
      "TS without its last sync byte",
      without(ts, ts.length - 188),
      "corrupt_segment",
      /at byte 9964/,
    ],
    ["fMP4 that is cut", fmp4.subarray(0, -1), "corrupt_segment", /mdat at \d+ ends at 7072/],
    ["AAC that is cut", aac.subarray(0, -1), "short_segment", /inside a frame of AAC/],
    ["boxes without media", joined(box("styp", 16), box("LivE", 9)), "corrupt_segment", /neither/],
    [
      "text behind fMP4",
      joined(fmp4, box("styp", 16), bytesOf("Sorry, gone")),
      "corrupt_segment",
      /no box/,
    ],
    ["AAC with a hole", without(aac, 0), "corrupt_segment", /./],
  ])("%s", (_name, bytes, kind, text) => {
    expect(verify(bytes)).toEqual({ kind, text: expect.stringMatching(text) });
  });

  test.each<[name: string, bytes: Uint8Array, kind: SegmentProblem["kind"], text: RegExp]>([
    ["a cut inside a block", encrypt(ts).subarray(0, -1), "short_segment", /block of AES/],
    ["a cut between blocks", encrypt(ts).subarray(0, -16), "corrupt_segment", /the padding of AES/],
    ["padding of zeros", encrypt(ts, new Uint8Array(8)), "corrupt_segment", /the padding of AES/],
    [
      "a lost sync byte",
      encrypt(without(ts, 188 * 40)),
      "corrupt_segment",
      /no TS packet .* 7520$/,
    ],
    ["the clear bytes", ts.subarray(0, 188 * 4), "corrupt_segment", /does not decrypt to media/],
    ["an encrypted error page", encrypt(new Uint8Array(5000)), "corrupt_segment", /zero bytes/],
  ])("encrypted: %s", (_name, bytes, kind, text) => {
    expect(verify(bytes, AES)).toEqual({ kind, text: expect.stringMatching(text) });
  });

  test("with another key", () => {
    const cipher = { ...CIPHER, key: new Uint8Array(16) };
    expect(verify(encrypt(ts), { kind: "aes", cipher })).toMatchObject({ kind: "corrupt_segment" });
  });

  test("a sealed segment can only be empty", () => {
    const sealed: SegmentLock = { kind: "sealed", why: "their key is missing" };
    expect(verify(new Uint8Array([1]), sealed)).toBeNull();
    expect(verify(new Uint8Array(), sealed)).toMatchObject({ kind: "short_segment" });
  });
});

describe("any bytes", () => {
  const segment = fc.constantFrom(...SOUND.map(([, bytes]) => bytes));
  const damage = fc.record({
    end: fc.nat({ max: 11_000 }),
    places: fc.array(fc.record({ at: fc.nat({ max: 11_000 }), byte: fc.nat({ max: 255 }) }), {
      maxLength: 3,
    }),
  });
  const cuts = fc.array(fc.nat({ max: 11_000 }), { maxLength: 8 });

  test("give the same answer however they are cut into pieces", () => {
    fc.assert(
      fc.property(
        segment,
        damage,
        cuts,
        fc.boolean(),
        (sound, { end, places }, at, isEncrypted) => {
          const bytes = sound.slice(0, end);
          for (const place of places) {
            if (place.at < bytes.length) {
              bytes[place.at] = place.byte;
            }
          }
          const lock = isEncrypted ? AES : CLEAR;
          const served = isEncrypted ? encrypt(bytes) : bytes;
          const verifier = createSegmentVerifier(lock);
          const borders = [0, ...at.toSorted((a, b) => a - b), served.length];
          for (const [index, border] of borders.entries()) {
            // A copy that is overwritten afterwards: nothing may be kept of it.
            const piece = served.slice(borders[index - 1] ?? 0, border);
            verifier.push(piece);
            piece.fill(0);
          }
          expect(verifier.end()).toEqual(verify(served, lock));
        },
      ),
      { numRuns: 1000 },
    );
  });

  test("that are too few or broken in a packet's head never pass as TS", () => {
    const ts = file("hls/ts/segment0.ts");
    fc.assert(
      fc.property(fc.integer({ min: 0, max: ts.length - 1 }), (end) => {
        expect(verify(ts.subarray(0, end)) === null).toBe(end > 0 && end % 188 === 0);
        expect(verify(encrypt(ts).subarray(0, end), AES)).not.toBeNull();
      }),
    );
  });
});
