import { expect, test } from "vitest";
import {
  type Boundary,
  compareCounters,
  continuityCounters,
  lossyBoundaries,
} from "./continuity.ts";

interface PacketOptions {
  pid: number;
  counter: number;
  payload?: boolean;
  announced?: boolean;
  /** A table, as against pictures or sound. */
  table?: boolean;
}

function packet(options: PacketOptions): Buffer {
  const { pid, counter, payload = true, announced = false, table = false } = options;
  const bytes = Buffer.alloc(188, 0xff);
  bytes[0] = 0x47;
  bytes.writeUInt16BE(pid, 1);
  bytes[3] = (payload ? 0x10 : 0) | (announced || !payload ? 0x20 : 0) | counter;
  if (announced || !payload) {
    bytes.set([1, announced ? 0x80 : 0], 4);
  }
  if (payload && !table) {
    bytes[1] = (bytes[1] ?? 0) | 0x40;
    bytes.set([0, 0, 1], announced ? 6 : 4);
  }
  return bytes;
}
const counters = (...packets: PacketOptions[]) =>
  continuityCounters(Buffer.concat(packets.map((options) => packet(options))));

test("first and last counters by PID; null packets and packets without payload do not count", () => {
  const { first, last } = counters(
    { pid: 256, counter: 15 },
    { pid: 257, counter: 3 },
    { pid: 256, counter: 15, payload: false },
    { pid: 0x1fff, counter: 9 },
    { pid: 256, counter: 0 },
    { pid: 258, counter: 4, announced: true },
  );
  expect([...first]).toEqual([
    [256, 15],
    [257, 3],
    [258, null],
  ]);
  expect([...last]).toEqual([
    [256, 0],
    [257, 3],
    [258, 4],
  ]);
});

test("reading ends where no packet begins", () => {
  const bytes = Buffer.concat([packet({ pid: 256, counter: 1 }), Buffer.from("<html>")]);
  expect(continuityCounters(bytes).last).toEqual(new Map([[256, 1]]));
});

const before = counters(
  { pid: 0, counter: 3, table: true },
  { pid: 256, counter: 15 },
  { pid: 257, counter: 3 },
);
test.each<[string, PacketOptions[], Boundary]>([
  [
    "both go on",
    [
      { pid: 256, counter: 0 },
      { pid: 257, counter: 4 },
    ],
    "continuous",
  ],
  ["a packet is there twice", [{ pid: 256, counter: 15 }], "continuous"],
  [
    "one does not",
    [
      { pid: 256, counter: 0 },
      { pid: 257, counter: 9 },
    ],
    "gap",
  ],
  [
    "both begin anew",
    [
      { pid: 256, counter: 0 },
      { pid: 257, counter: 0 },
    ],
    "restarted",
  ],
  ["the break is announced", [{ pid: 257, counter: 9, announced: true }], "unknown"],
  [
    "the break is announced alone",
    [
      { pid: 257, counter: 9, payload: false, announced: true },
      { pid: 257, counter: 9 },
    ],
    "unknown",
  ],
  [
    "a table does not",
    [
      { pid: 0, counter: 9, table: true },
      { pid: 256, counter: 0 },
    ],
    "continuous",
  ],
  ["other PIDs", [{ pid: 300, counter: 9 }], "unknown"],
])("%s", (_name, packets, expected) => {
  expect(compareCounters(before, counters(...packets))).toBe(expected);
});

test.each<[string, Boundary[], number[]]>([
  ["one of many", ["continuous", "gap", "continuous", "continuous"], [1]],
  ["no habit of going on", ["gap", "continuous", "gap", "gap"], []],
  ["too little to tell a habit", ["continuous", "gap"], []],
  ["nothing lost", ["continuous", "restarted", "unknown"], []],
])("packets are missing: %s", (_name, boundaries, expected) => {
  expect(lossyBoundaries(boundaries)).toEqual(expected);
});
