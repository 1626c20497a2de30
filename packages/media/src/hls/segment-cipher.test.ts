import { createCipheriv } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { decryptHead, paddingBytes, segmentIv } from "./segment-cipher.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

test.each([
  ["as given", "0x000102030405060708090a0b0c0d0e0f", 9, "000102030405060708090a0b0c0d0e0f"],
  ["given with fewer digits", "0XAB", 9, "000000000000000000000000000000ab"],
  ["from the sequence number", null, 7, "00000000000000000000000000000007"],
  ["from a large one", null, 2 ** 53 - 1, "0000000000000000001fffffffffffff"],
])("an IV %s", (_name, iv, sequence, expected) => {
  expect(hex(segmentIv({ iv }, sequence))).toBe(expected);
});

test.each([
  ["one", `${"00".repeat(15)}01`, 1],
  ["four", `${"00".repeat(12)}04040404`, 4],
  ["a whole block", "10".repeat(16), 16],
  ["none", "00".repeat(16), null],
  ["more than a block", "11".repeat(16), null],
  ["unequal bytes", `${"00".repeat(12)}04040304`, null],
  ["half a block", "08".repeat(8), null],
  ["no block", "", null],
])("padding of %s", (_name, block, expected) => {
  expect(paddingBytes(new Uint8Array(Buffer.from(block, "hex")))).toBe(expected);
});

test("any beginning of what was encrypted is the beginning of what it was, in whole blocks", () => {
  const block = fc.uint8Array({ minLength: 16, maxLength: 16 });
  fc.assert(
    fc.property(
      block,
      block,
      fc.uint8Array({ maxLength: 200 }),
      fc.nat(250),
      (key, iv, plain, end) => {
        const cipher = createCipheriv("aes-128-cbc", key, iv);
        const served = Buffer.concat([cipher.update(plain), cipher.final()]).subarray(0, end);
        const head = decryptHead(served, { key, iv });
        expect(head.length).toBe(served.length - (served.length % 16));
        const seen = Math.min(head.length, plain.length);
        expect(hex(head.subarray(0, seen))).toBe(hex(plain.subarray(0, seen)));
      },
    ),
  );
});
