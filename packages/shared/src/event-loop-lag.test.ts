import { until } from "@reelgate/testkit/latch";
import { expect, test } from "vitest";
import { watchEventLoop } from "./event-loop-lag.ts";

const blockFor = (durationMs: number): void => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, durationMs);
};

test("an event loop that stood still is told", async () => {
  using lag = watchEventLoop({ notableMs: 400, windowMs: 3_600_000 });
  // The first turn that is measured ends with the second of its timer.
  const note = await until(() => {
    blockFor(450);
    return lag.note() ?? false;
  });
  expect(note).toMatch(/^the event loop came \d+\.\d s late in the last seconds$/u);
});

test("what is over is forgotten", async () => {
  using lag = watchEventLoop({ notableMs: 400, windowMs: 100 });
  blockFor(450);
  await until(() => lag.note() === null, { what: "it being forgotten" });
  expect(lag.note()).toBeNull();
});
