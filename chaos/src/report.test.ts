import { describe, expect, test } from "vitest";
import type { Violation } from "./audit/checks.ts";
import type { FaultKind } from "./fault-kinds.ts";
import { RESULTS_HEAD, checksOf, exitCodeOf, reportText, resultsRow } from "./report.ts";
import type { ChaosReport } from "./report.ts";
import type { FaultOutcome } from "./run-faults.ts";

const fault = (number: number, kind: FaultKind, took: boolean): FaultOutcome => ({
  fault: { number, kind, target: "redis", atMs: 0, durationMs: 0 },
  took,
  detail: took ? "gone" : "not seen",
  isEnded: true,
});

function reportWith(violations: readonly Violation[]): ChaosReport {
  const count = (check: string): number => violations.filter((one) => one.check === check).length;
  return {
    topology: "single",
    seed: "7",
    minutes: 5,
    ratePerS: 20,
    faults: [
      fault(1, "redis-stop", true),
      fault(2, "redis-kill", false),
      fault(3, "redis-kill", true),
    ],
    callbacks: {
      deliveries: 12,
      sent: 10,
      acknowledged: 9,
      lost: count("acknowledged"),
      doubled: count("doubled"),
      answers: { "200": 12 },
    },
    outcomes: 9,
    recordings: 5,
    storedFiles: 4,
    drainedAfterMs: 1000,
    checks: checksOf(violations),
    violations,
    keptIn: null,
    ok: violations.length === 0,
  };
}

const LOST: Violation = { check: "acknowledged", id: "cb-lost", detail: "without an outcome" };
const CUT: Violation = { check: "files", id: "a.mp4", detail: "is cut" };

describe("the report of a run", () => {
  test("counts only the faults that took effect, and names the others", () => {
    const report = reportWith([]);
    const row = resultsRow(report, "2026-01-02");
    expect(Object.fromEntries(RESULTS_HEAD.map((head, at) => [head, row[at]]))).toMatchObject({
      faults: "2",
      "by kind": "redis-kill 1, redis-stop 1",
      lost: "0",
      "other violations": "0",
    });
    expect(reportText(report)).toContain("Faults: 3, of which 2 took effect");
    expect(reportText(report)).toContain("without effect: #2 redis-kill of redis: not seen");
    expect(exitCodeOf(report)).toBe(0);
  });

  test("fails for any violation, which it names, and counts what is lost apart", () => {
    const report = reportWith([LOST, CUT]);
    const row = resultsRow(report, "2026-01-02");
    expect(Object.fromEntries(RESULTS_HEAD.map((head, at) => [head, row[at]]))).toMatchObject({
      lost: "1",
      doubled: "0",
      "other violations": "1",
    });
    const text = reportText(report);
    expect(text).toContain("acknowledged: cb-lost: without an outcome");
    expect(text).toContain("VIOLATED");
    const checks = report.checks.length;
    expect(text.split("\n").at(-1)).toBe(`${checks - 2} checks passed, 2 failed`);
    expect(exitCodeOf(report)).toBe(1);
  });
});
