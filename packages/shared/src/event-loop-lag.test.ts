import { until } from "@reelgate/testkit/latch";
import { expect, test } from "vitest";
import { watchEventLoop } from "./event-loop-lag.ts";

const blockFor = (durationMs: number): void => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, durationMs);
};

test("an event loop that stood still is told, and forgotten after a while", async () => {
  using lag = watchEventLoop({ notableMs: 400, windowMs: 200 });
  await until(() => lag.note() === null, { what: "the start being forgotten" });
  blockFor(500);
  expect(await until(() => lag.note() ?? false)).toMatch(
    /^the event loop came \d+\.\d s late in the last seconds$/u,
  );
  await until(() => lag.note() === null, { what: "it being forgotten" });
});
