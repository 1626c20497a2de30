import { createLatch } from "@reelgate/testkit/latch";
import { describe, expect, test } from "vitest";
import { done } from "./faults/injected.ts";
import type { PlannedFault } from "./plan.ts";
import { runFaults } from "./run-faults.ts";

const fault = (number: number, changes: Partial<PlannedFault> = {}): PlannedFault => ({
  number,
  kind: "redis-kill",
  target: "redis",
  atMs: 0,
  durationMs: 0,
  ...changes,
});
const never = new AbortController().signal;

describe("the faults of a plan", () => {
  test("are ended, and say what was seen of them", async () => {
    const events: string[] = [];
    const outcomes = await runFaults({
      faults: [fault(1), fault(2, { kind: "postgres-kill", target: "postgres", atMs: 5 })],
      signal: never,
      injectors: {
        "redis-kill": () => {
          events.push("redis begins");
          return Promise.resolve(
            done({ took: true, detail: "gone" }, () => {
              events.push("redis ends");
              return Promise.resolve();
            }),
          );
        },
      },
    });
    expect(events).toEqual(["redis begins", "redis ends"]);
    expect(outcomes).toMatchObject([
      { fault: { number: 1 }, took: true, detail: "gone" },
      { fault: { number: 2 }, took: false, detail: "not possible here" },
    ]);
  });

  test("of one target never overlap, however long one takes to heal", async () => {
    const healed = createLatch();
    const begun: number[] = [];
    const second = createLatch();
    const running = runFaults({
      faults: [fault(1), fault(2), fault(3, { target: "postgres", kind: "postgres-kill" })],
      signal: never,
      onBegin: ({ number }) => {
        begun.push(number);
        if (number === 3) second.open();
      },
      injectors: {
        "redis-kill": ({ number }) =>
          Promise.resolve(
            done({ took: true, detail: "" }, () =>
              number === 1 ? healed.wait() : Promise.resolve(),
            ),
          ),
      },
    });
    await second.wait();
    expect(begun).toEqual([1, 3]);
    healed.open();
    await running;
    expect(begun).toEqual([1, 3, 2]);
  });

  test("that cannot be begun or ended are outcomes without an effect", async () => {
    const outcomes = await runFaults({
      faults: [fault(1), fault(2)],
      signal: never,
      injectors: {
        "redis-kill": ({ number }) =>
          number === 1
            ? Promise.reject(new Error("no such process"))
            : Promise.resolve(
                done({ took: true, detail: "" }, () => Promise.reject(new Error("no start"))),
              ),
      },
    });
    expect(outcomes.map(({ fault: _fault, ...outcome }) => outcome)).toEqual([
      { took: false, detail: "failed: no such process; it may not be healed", isEnded: true },
      { took: false, detail: "failed: no start; it may not be healed", isEnded: false },
    ]);
  });

  test("end at once when the run is ended", async () => {
    const ending = new AbortController();
    let heals = 0;
    const outcomes = await runFaults({
      faults: [fault(1, { durationMs: 60_000 }), fault(2, { atMs: 60_000 })],
      signal: ending.signal,
      onBegin: () => ending.abort(),
      injectors: {
        "redis-kill": () =>
          Promise.resolve(
            done({ took: true, detail: "" }, () => {
              heals += 1;
              return Promise.resolve();
            }),
          ),
      },
    });
    expect(outcomes).toHaveLength(1);
    expect(heals).toBe(1);
  });
});
