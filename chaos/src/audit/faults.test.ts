import { describe, expect, test } from "vitest";
import type { FaultOutcome } from "../run-faults.ts";
import { checkFaults } from "./faults.ts";

const outcome = (number: number, took: boolean, isEnded = true): FaultOutcome => ({
  fault: { number, kind: "redis-kill", target: "redis", atMs: 0, durationMs: 0 },
  took,
  detail: took ? "gone" : "not seen",
  isEnded,
});

describe("the faults of a run", () => {
  test.each([
    ["there were none", []],
    ["all took effect", [outcome(1, true), outcome(2, true)]],
    ["half of them did", [outcome(1, true), outcome(2, false)]],
  ])("are enough when %s", (_when, faults) => {
    expect(checkFaults(faults)).toEqual([]);
  });

  test("are a violation when most of them did nothing", () => {
    expect(checkFaults([outcome(1, true), outcome(2, false), outcome(3, false)])).toEqual([
      { check: "disturbed", id: "faults", detail: "1 of 3 took effect" },
    ]);
  });

  test("are a violation, each of them, when they could not be ended", () => {
    const faults = [outcome(1, true), outcome(2, true), outcome(3, false, false)];
    expect(checkFaults(faults)).toEqual([
      { check: "disturbed", id: "#3 redis-kill of redis", detail: "not seen" },
    ]);
  });
});
