import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createHostLimits, type HostLimits, type HostPermit } from "./host-limits.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Asks `count` times; `given` grows in the order in which places are given. */
function ask(limits: HostLimits, count: number, given: HostPermit[] = []): HostPermit[] {
  for (let asked = 0; asked < count; asked += 1) {
    void limits.acquire("a", undefined).then((permit) => given.push(permit));
  }
  return given;
}

async function turn(ms = 0): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms);
}

test("a host has so many at a time, first come first served, and no other host waits for it", async () => {
  const limits = createHostLimits(2);
  const order: number[] = [];
  const permits: HostPermit[] = [];
  for (const number of [1, 2, 3, 4]) {
    void limits.acquire("a", undefined).then((permit) => {
      order.push(number);
      permits.push(permit);
    });
  }
  await turn();
  expect(order).toEqual([1, 2]);
  (await limits.acquire("b", undefined)).release();
  permits[1]?.release();
  permits[1]?.release();
  await turn();
  expect(order).toEqual([1, 2, 3]);
  permits[0]?.release();
  await turn();
  expect(order).toEqual([1, 2, 3, 4]);
});

test("a refusal halves the limit once for all that were under way, and pauses the host", async () => {
  const limits = createHostLimits(8);
  const first = ask(limits, 8);
  await turn();
  expect(first).toHaveLength(8);
  for (const permit of first) {
    permit.refused(2000);
    permit.release();
  }
  const second = ask(limits, 20);
  await turn(1999);
  expect(second).toHaveLength(0);
  await turn(1000);
  expect(second).toHaveLength(4);
  for (const permit of second) {
    permit.refused(null);
    permit.release();
  }
  await turn(1000);
  expect(second).toHaveLength(4 + 2);
});

test("one at a time is the least, and a pause ends after 30 seconds at most", async () => {
  const limits = createHostLimits(2);
  for (let refusals = 0; refusals < 4; refusals += 1) {
    const asked = limits.acquire("a", undefined);
    await turn(30_000);
    const permit = await asked;
    permit.refused(3_600_000);
    permit.release();
  }
  const given = ask(limits, 3);
  await turn(29_000);
  expect(given).toHaveLength(0);
  await turn(2000);
  expect(given).toHaveLength(1);
});

test("success raises a lowered limit step by step, not beyond what it was", async () => {
  const limits = createHostLimits(4);
  const refused = await limits.acquire("a", undefined);
  refused.refused(null);
  refused.release();
  expect(await limitNow(limits)).toBe(2);
  for (let answers = 0; answers < 50; answers += 1) {
    (await limits.acquire("a", undefined)).release();
  }
  expect(await limitNow(limits)).toBe(4);
});

async function limitNow(limits: HostLimits): Promise<number> {
  const abort = new AbortController();
  const given: HostPermit[] = [];
  for (let asked = 0; asked < 10; asked += 1) {
    limits.acquire("a", abort.signal).then(
      (permit) => given.push(permit),
      () => {},
    );
  }
  await turn();
  abort.abort();
  for (const permit of given) {
    permit.release();
  }
  return given.length;
}

test("who gives up waiting is out of the line", async () => {
  const limits = createHostLimits(1);
  const held = await limits.acquire("a", undefined);
  const abort = new AbortController();
  const waiting = limits.acquire("a", abort.signal);
  const next = limits.acquire("a", undefined);
  abort.abort(new Error("shutdown"));
  await expect(waiting).rejects.toThrow("shutdown");
  await expect(limits.acquire("a", abort.signal)).rejects.toThrow("shutdown");
  held.release();
  (await next).release();
  expect(vi.getTimerCount()).toBe(0);
});

test("an answer that nobody reads keeps nobody waiting for ever", async () => {
  const limits = createHostLimits(2);
  const [parked, read] = [
    await limits.acquire("a", undefined),
    await limits.acquire("a", undefined),
  ];
  parked.parked();
  read.parked();
  read.reading();
  const given = ask(limits, 2);
  await turn(900);
  expect(given).toHaveLength(0);
  await turn(1000);
  expect(given).toHaveLength(1);
  parked.release();
  await turn(5000);
  expect(given).toHaveLength(1);
  read.release();
  await turn();
  expect(given).toHaveLength(2);
});

test("long reads leave one place to the short ones, where there is more than one", async () => {
  const limits = createHostLimits(3);
  const long: HostPermit[] = [];
  for (let asked = 0; asked < 4; asked += 1) {
    void limits.acquire("a", undefined, true).then((permit) => long.push(permit));
  }
  await turn();
  expect(long).toHaveLength(2);
  const short = ask(limits, 2);
  await turn();
  expect(short).toHaveLength(1);
  short[0]?.release();
  await turn();
  expect([long.length, short.length]).toEqual([2, 2]);
  long[0]?.release();
  await turn();
  expect(long).toHaveLength(3);
});

test("a single place is for long reads too", async () => {
  const limits = createHostLimits(1);
  (await limits.acquire("a", undefined, true)).release();
  (await limits.acquire("a", undefined, true)).release();
  expect(await limitNow(limits)).toBe(1);
});

test("time without a refusal raises a lowered limit too", async () => {
  const limits = createHostLimits(8);
  const refused = await limits.acquire("a", undefined);
  refused.refused(null);
  refused.release();
  expect(await limitNow(limits)).toBe(4);
  await turn(30_000);
  expect(await limitNow(limits)).toBe(5);
  await turn(3_600_000);
  expect(await limitNow(limits)).toBe(8);
});
