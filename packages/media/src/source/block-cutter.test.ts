import fc from "fast-check";
import { expect, test } from "vitest";
import { BLOCK_BYTES } from "./block-cache.ts";
import { createBlockCutter } from "./block-cutter.ts";

test("any cut of a file gives its blocks, the last one short", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 3 * BLOCK_BYTES }), { maxLength: 8 }),
      fc.integer({ min: 0, max: 3 }),
      (lengths, startBlock) => {
        const blocks = new Map<number, Uint8Array>();
        const cutter = createBlockCutter(startBlock * BLOCK_BYTES, (block, bytes) =>
          blocks.set(block, bytes),
        );
        let value = 0;
        const all: number[] = [];
        for (const length of lengths) {
          const piece = Uint8Array.from({ length }, () => (value += 7) & 0xff);
          all.push(...piece);
          cutter.push(piece);
        }
        expect(cutter.position).toBe(startBlock * BLOCK_BYTES + all.length);
        cutter.end();
        expect([...blocks.keys()]).toEqual(
          Array.from(
            { length: Math.ceil(all.length / BLOCK_BYTES) },
            (_, index) => startBlock + index,
          ),
        );
        expect(Buffer.concat([...blocks.values()]).equals(Buffer.from(all))).toBe(true);
      },
    ),
    { numRuns: 50 },
  );
});
