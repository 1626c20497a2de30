import fc from "fast-check";
import { expect, test } from "vitest";
import type { ByteSource } from "./byte-source.ts";
import { createForwardReader, LooksBackExceeded } from "./forward-reader.ts";

const bytesOf = (length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, index) => (index * 31) & 0xff);

/** A source that streams in pieces of the given sizes, over and over, and counts its reads. */
function piecewise(bytes: Uint8Array, sizes: readonly number[]): ByteSource & { reads: number } {
  const source = {
    sizeBytes: bytes.length,
    fetchedBytes: 0,
    reads: 0,
    async read(offset: number, length: number): Promise<Uint8Array> {
      source.reads += 1;
      return bytes.slice(offset, offset + length);
    },
    async *stream(offset: number): AsyncGenerator<Uint8Array, void, undefined> {
      for (let at = offset, turn = 0; at < bytes.length; turn += 1) {
        const size = sizes[turn % sizes.length] ?? 1;
        yield bytes.slice(at, at + size);
        at += size;
      }
    },
  };
  return source;
}

test("whatever is asked for, in whatever pieces it comes, the bytes are those of the file", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: 300 }),
      fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 5 }),
      fc.array(fc.tuple(fc.integer({ min: 0, max: 320 }), fc.integer({ min: 0, max: 120 }))),
      async (size, sizes, requests) => {
        const bytes = bytesOf(size);
        const reader = createForwardReader(piecewise(bytes, sizes));
        for (const [offset, needed] of requests) {
          const expected = bytes.slice(offset, offset + needed);
          const got = await reader.at(offset, needed);
          expect(got.length).toBeGreaterThanOrEqual(expected.length);
          expect(Buffer.from(got)).toEqual(Buffer.from(bytes.slice(offset, offset + got.length)));
          const held = reader.held(offset, needed);
          expect(held === null || Buffer.compare(held.subarray(0, needed), expected) === 0).toBe(
            true,
          );
        }
        await reader.close();
      },
    ),
  );
});

test("what a request across two pieces began with can be asked for again", async () => {
  const source = piecewise(bytesOf(100), [40]);
  const reader = createForwardReader(source);
  await reader.at(30, 20);
  expect(Buffer.from((await reader.at(35, 40)).subarray(0, 40))).toEqual(
    Buffer.from(bytesOf(100).subarray(35, 75)),
  );
  expect(source.reads).toBe(0);
  await reader.at(29, 1);
  expect(source.reads).toBe(1);
});

test("a reader that looks back without end is stopped", async () => {
  const reader = createForwardReader(piecewise(bytesOf(100), [10]));
  await reader.at(90, 5);
  const lookBack = async (): Promise<void> => {
    for (let looks = 0; looks <= 20_000; looks += 1) {
      await reader.at(0, 1);
    }
  };
  await expect(lookBack()).rejects.toThrow(LooksBackExceeded);
});
