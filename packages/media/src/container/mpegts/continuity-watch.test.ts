import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { MEDIA_FIXTURES_FOLDER } from "@reelgate/testkit/media-fixtures";
import { createContinuityWatch } from "./continuity-watch.ts";

const WHOLE = readFileSync(join(MEDIA_FIXTURES_FOLDER, "hls/ts/segment0.ts"));
const PACKETS = WHOLE.length / 188;

function gapIn(bytes: Uint8Array, pieceBytes = bytes.length): number | null {
  const watch = createContinuityWatch();
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    watch.push(bytes.subarray(at, at + pieceBytes));
  }
  return watch.gapAt();
}

function without(first: number, count: number): Buffer {
  return Buffer.concat([WHOLE.subarray(0, first * 188), WHOLE.subarray((first + count) * 188)]);
}

test("a stream that goes on has no gap, wherever it is cut into pieces", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 600 }), (pieceBytes) => {
      expect(gapIn(WHOLE, pieceBytes)).toBeNull();
    }),
  );
});

test("packets that are gone show in the next one of their PID", () => {
  const first = Math.floor(PACKETS / 2);
  const gap = gapIn(without(first, 3)) ?? 0;
  expect(gap).toBeGreaterThanOrEqual(first * 188);
  expect(gap % 188).toBe(0);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 600 }), (pieceBytes) => {
      expect(gapIn(without(first, 3), pieceBytes)).toBe(gap);
    }),
  );
});

/** A stream of one PID with these counters. */
function counting(counters: readonly number[], change?: (packet: Buffer, index: number) => void) {
  const packets = counters.map((counter, index) => {
    const packet = Buffer.alloc(188, 0xff);
    // A PES packet begins in each.
    packet.set([0x47, 0x41, 0, 0x10 | counter, 0, 0, 1]);
    change?.(packet, index);
    return packet;
  });
  return Buffer.concat(packets);
}
const counters = Array.from({ length: 64 }, (_, index) => index & 0x0f);

test("what is sent twice, what is announced, and what does not count is no gap", () => {
  expect(gapIn(counting(counters.flatMap((counter) => [counter, counter])))).toBeNull();
  expect(gapIn(counting(counters.map(() => 0)))).toBeNull();
  const jump = counters.map((counter, index) => (index < 40 ? counter : (counter + 5) & 0x0f));
  expect(gapIn(counting(jump))).toBe(40 * 188);
  const announce = (packet: Buffer, index: number): void => {
    if (index === 40) {
      packet.set([0x30 | ((packet[3] ?? 0) & 0x0f), 1, 0x80], 3);
    }
  };
  expect(gapIn(counting(jump, announce))).toBeNull();
  const announceAlone = Buffer.alloc(188, 0xff);
  announceAlone.set([0x47, 1, 0, 0x20, 183, 0x80]);
  const alone = [counting(jump.slice(0, 40)), announceAlone, counting(jump.slice(40))];
  expect(gapIn(Buffer.concat(alone))).toBeNull();
  expect(gapIn(counting(jump, (packet) => packet.set([0x40, 0], 1)))).toBe(40 * 188);
  expect(gapIn(counting(jump, (packet) => packet.set([0xff], 6)))).toBeNull();
  const random = counters.map((counter) => (counter * 7) & 0x0f);
  expect(gapIn(counting(random))).toBeNull();
});

test("any bytes end in an answer", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 2000 }),
      fc.integer({ min: 1, max: 400 }),
      (bytes, n) => {
        const gap = gapIn(bytes, n);
        expect(gap === null || (gap >= 0 && gap < bytes.length)).toBe(true);
      },
    ),
  );
});
