import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { callbackJobId, mediaJobId } from "./jobs.ts";
import { MAX_QUEUE_SHARDS, keySlot, shardIndexOf, shardsOf } from "./queue-shards.ts";

const COUNTS = Array.from({ length: MAX_QUEUE_SHARDS }, (_value, index) => index + 1);

test("the slot of a key is that of the specification of Redis Cluster", () => {
  expect(keySlot("123456789")).toBe(0x31_c3);
  expect(keySlot("{user1000}.following")).toBe(keySlot("user1000"));
  expect(keySlot("foo{}{bar}")).toBe(keySlot(Buffer.from("foo{}{bar}").toString()));
  expect(keySlot("foo{}{bar}")).not.toBe(keySlot("bar"));
  expect(keySlot("foo{{bar}}zap")).toBe(keySlot("{bar"));
  expect(keySlot("foo{bar}{zap}")).toBe(keySlot("bar"));
});

test("a queue that is not split keeps its name", () => {
  expect(shardsOf("callbacks", 1)).toEqual([{ queue: "callbacks", index: 0, name: "callbacks" }]);
});

test("no two shards have one name, of any queue and any number of shards", () => {
  const names = COUNTS.flatMap((count) =>
    [...shardsOf("callbacks", count), ...shardsOf("media", count)].map(({ name }) => name),
  );
  expect(new Set(names).size).toBe(names.length);
  for (const name of names) expect(name).toMatch(/^(callbacks|media)(-\d+\{[\d.a-z]+\})?$/u);
});

test.each(COUNTS.slice(1))("%i shards are spread evenly over any number of masters", (count) => {
  const slots = shardsOf("callbacks", count).map(({ name }) => keySlot(`reelgate:${name}:wait`));
  for (let masters = 1; masters <= 16; masters++) {
    const shardsOfMaster = Array.from({ length: masters }, () => 0);
    for (const slot of slots) {
      const master = Math.floor((slot * masters) / 16_384);
      shardsOfMaster[master] = (shardsOfMaster[master] ?? 0) + 1;
    }
    const fewest = Math.min(...shardsOfMaster);
    const most = Math.max(...shardsOfMaster);
    expect(most - fewest, `${masters} masters`).toBeLessThanOrEqual(count % masters === 0 ? 0 : 2);
  }
});

test.each([2, 6, 12, 64])("ids are spread evenly over %i shards", (count) => {
  const total = 20_000;
  const ids = [
    Array.from({ length: total }, (_value, index) => callbackJobId(Buffer.from(`body ${index}`))),
    Array.from({ length: total }, (_value, index) =>
      mediaJobId({ recordingId: String(index), generation: 0 }),
    ),
  ];
  for (const some of ids) {
    const jobs = Array.from({ length: count }, () => 0);
    for (const id of some) {
      const shard = shardIndexOf(id, count);
      jobs[shard] = (jobs[shard] ?? 0) + 1;
    }
    // Five standard deviations.
    const share = total / count;
    for (const one of jobs) expect(Math.abs(one - share)).toBeLessThan(5 * Math.sqrt(share));
  }
});

test("the shard of an id is the same in every version: another one would lose what is queued", () => {
  const id = `cb-${createHash("sha256").update("body").digest("hex")}`;
  expect([1, 2, 12, 64].map((count) => shardIndexOf(id, count))).toMatchInlineSnapshot(`
    [
      0,
      0,
      4,
      24,
    ]
  `);
  expect(shardsOf("media", 12).map(({ name }) => name)).toMatchInlineSnapshot(`
    [
      "media-0{12.2}",
      "media-1{12.c}",
      "media-2{12.31}",
      "media-3{12.3}",
      "media-4{12.b}",
      "media-5{12.30}",
      "media-6{12.0}",
      "media-7{12.a}",
      "media-8{12.28}",
      "media-9{12.1}",
      "media-10{12.d}",
      "media-11{12.29}",
    ]
  `);
});
