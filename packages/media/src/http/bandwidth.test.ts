import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type Bandwidth, createBandwidth } from "./bandwidth.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const going = new AbortController().signal;

/** Takes pieces one after the other until the time is up; returns how many bytes it got. */
async function read(bandwidth: Bandwidth, pieceBytes: number, untilMs: number): Promise<number> {
  let bytes = 0;
  for (;;) {
    await bandwidth.take(pieceBytes, going);
    if (performance.now() > untilMs) {
      return bytes;
    }
    bytes += pieceBytes;
  }
}

test("the rate is kept, late timers and all", async () => {
  const bandwidth = createBandwidth(1_000_000);
  const bytes = read(bandwidth, 65_536, performance.now() + 10_000);
  await vi.advanceTimersByTimeAsync(11_000);
  expect(await bytes).toBeGreaterThan(9_900_000);
  expect(await bytes).toBeLessThan(10_200_000);
});

test("readers get equal shares", async () => {
  const bandwidth = createBandwidth(1_000_000);
  const untilMs = performance.now() + 10_000;
  const shares = Promise.all([1, 2, 3, 4].map(() => read(bandwidth, 65_536, untilMs)));
  await vi.advanceTimersByTimeAsync(12_000);
  const amounts = await shares;
  expect(Math.max(...amounts) - Math.min(...amounts)).toBeLessThanOrEqual(65_536);
});

test("what was idle for long gets no more than a tenth of a second for free", async () => {
  const bandwidth = createBandwidth(1_000_000);
  await vi.advanceTimersByTimeAsync(60_000);
  const startMs = performance.now();
  const taken = bandwidth.take(1_000_000, going);
  await vi.advanceTimersByTimeAsync(2000);
  await taken;
  const bytes = read(bandwidth, 10_000, performance.now());
  await vi.advanceTimersByTimeAsync(1000);
  expect(await bytes).toBeLessThanOrEqual(110_000);
  expect(performance.now() - startMs).toBe(3000);
});

test("a wait ends with its signal", async () => {
  const bandwidth = createBandwidth(1);
  const abort = new AbortController();
  const waiting = bandwidth.take(1_000_000, abort.signal);
  abort.abort(new Error("shutdown"));
  await expect(waiting).rejects.toThrow("shutdown");
  await expect(bandwidth.take(1, abort.signal)).rejects.toThrow("shutdown");
  expect(vi.getTimerCount()).toBe(0);
});
