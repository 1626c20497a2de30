import { createLatch } from "@reelgate/testkit/latch";
import { expect, it } from "vitest";
import { costlyReading } from "./costly-reading.ts";

/** Readings that take as long as the test says, on a clock that the test moves. */
function readingsThatTake(tookMs: number): {
  ask: () => Promise<number>;
  readings: () => number;
  pass: (ms: number) => void;
} {
  let now = 0;
  let readings = 0;
  const ask = costlyReading(
    () => {
      now += tookMs;
      readings += 1;
      return Promise.resolve(readings);
    },
    { cheapMs: 100, restFactor: 10, nowMs: () => now },
  );
  return { ask, readings: () => readings, pass: (ms) => (now += ms) };
}

it("reads anew for each who asks while that is cheap", async () => {
  const { ask } = readingsThatTake(99);
  expect([await ask(), await ask(), await ask()]).toEqual([1, 2, 3]);
});

it("keeps a costly reading for ten times as long as it took", async () => {
  const { ask, pass } = readingsThatTake(100);
  expect(await ask()).toBe(1);
  pass(999);
  expect(await ask()).toBe(1);
  pass(1);
  expect(await ask()).toBe(2);
});

it("is shared by all who ask while it is made", async () => {
  const finish = createLatch<string>("the reading");
  let readings = 0;
  const ask = costlyReading(
    async () => {
      readings += 1;
      return await finish.wait();
    },
    { cheapMs: 100, restFactor: 10 },
  );
  const answers = [ask(), ask(), ask()];
  finish.open("counted");
  expect(await Promise.all(answers)).toEqual(["counted", "counted", "counted"]);
  expect(readings).toBe(1);
});

it("keeps no failure", async () => {
  let now = 0;
  let fails = true;
  const ask = costlyReading(
    () => {
      now += 5000;
      return fails ? Promise.reject(new Error("away")) : Promise.resolve("counted");
    },
    { cheapMs: 100, restFactor: 10, nowMs: () => now },
  );
  await expect(ask()).rejects.toThrow("away");
  fails = false;
  expect(await ask()).toBe("counted");
});
