import { expect, test } from "vitest";
import { BLOCK_BYTES, createBlockCache } from "./block-cache.ts";

test("keeps the head and the last 4 MiB that were used", () => {
  const cache = createBlockCache();
  const held = (): number =>
    Array.from({ length: 2000 }, (_, block) => cache.get(block)).filter(Boolean).length;
  for (let block = 0; block < 1000; block += 1) {
    cache.set(block, Uint8Array.of(block & 0xff));
    // Used at each turn, so it is never the oldest.
    cache.get(10);
  }
  expect(cache.get(0)).toEqual(Uint8Array.of(0));
  expect(cache.get(3)).toEqual(Uint8Array.of(3));
  expect(cache.get(4)).toBeUndefined();
  expect(cache.get(10)).toEqual(Uint8Array.of(10));
  expect(cache.get(999)).toEqual(Uint8Array.of(999 & 0xff));
  expect((held() - 4) * BLOCK_BYTES).toBe(4_194_304);
});
