import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createGuessThrottle } from "./guess-throttle.ts";

const setUp = (maxAddresses = 100) => {
  const clock = { nowMs: 1_000_000 };
  const throttle = createGuessThrottle({
    nowMs: () => clock.nowMs,
    burst: 3,
    refillMs: 1000,
    maxAddresses,
  });
  return { clock, throttle };
};

describe("the throttle on wrong passwords", () => {
  test("gives a burst, then one attempt for each refill", () => {
    const { clock, throttle } = setUp();
    for (let attempt = 0; attempt < 3; attempt++) {
      expect(throttle.waitMs("192.0.2.1")).toBe(0);
      throttle.recordFailure("192.0.2.1");
    }
    expect(throttle.waitMs("192.0.2.1")).toBe(1000);
    clock.nowMs += 999;
    expect(throttle.waitMs("192.0.2.1")).toBe(1);
    clock.nowMs += 1;
    expect(throttle.waitMs("192.0.2.1")).toBe(0);
    throttle.recordFailure("192.0.2.1");
    expect(throttle.waitMs("192.0.2.1")).toBe(1000);
  });

  test("gives the whole burst again after a pause, and no more than that", () => {
    const { clock, throttle } = setUp();
    for (let attempt = 0; attempt < 3; attempt++) throttle.recordFailure("192.0.2.1");
    clock.nowMs += 1_000_000;
    for (let attempt = 0; attempt < 3; attempt++) {
      expect(throttle.waitMs("192.0.2.1")).toBe(0);
      throttle.recordFailure("192.0.2.1");
    }
    expect(throttle.waitMs("192.0.2.1")).toBe(1000);
  });

  test("slows no other address", () => {
    const { throttle } = setUp();
    for (let attempt = 0; attempt < 3; attempt++) throttle.recordFailure("192.0.2.1");
    expect(throttle.waitMs("192.0.2.2")).toBe(0);
  });

  test("remembers a bounded number of addresses, the latest ones", () => {
    const { throttle } = setUp(10);
    for (let host = 0; host < 200; host++) {
      for (let attempt = 0; attempt < 3; attempt++) throttle.recordFailure(`192.0.2.${host}`);
    }
    expect(throttle.size).toBe(10);
    expect(throttle.waitMs("192.0.2.199")).toBeGreaterThan(0);
  });

  test("never lets more wrong attempts through than burst and refills allow, whatever the pace", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 1500 }), { maxLength: 200 }), (pauses) => {
        const { clock, throttle } = setUp();
        const startMs = clock.nowMs;
        let looked = 0;
        for (const pause of pauses) {
          clock.nowMs += pause;
          if (throttle.waitMs("192.0.2.1") > 0) continue;
          throttle.recordFailure("192.0.2.1");
          looked += 1;
        }
        expect(looked).toBeLessThanOrEqual(3 + Math.floor((clock.nowMs - startMs) / 1000));
      }),
    );
  });
});
