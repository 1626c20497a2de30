import { describe, expect, it } from "vitest";
import { formatSummary, percentile, summarise } from "./summary.ts";

describe("percentiles", () => {
  it("are nearest ranks", () => {
    const sorted = Array.from({ length: 100 }, (_, index) => index + 1);
    expect(percentile(sorted, 50)).toBe(50);
    expect(percentile(sorted, 99)).toBe(99);
    expect(percentile(sorted, 100)).toBe(100);
    expect(percentile(sorted, 0)).toBe(1);
    expect(percentile([1, 2, 3], 50)).toBe(2);
    expect(percentile([1, 2], 50)).toBe(1);
    expect(percentile([1, 2], 99)).toBe(2);
    expect(percentile([7], 50)).toBe(7);
    expect(percentile([], 50)).toBeNull();
  });
});

describe("the summary", () => {
  const plan = {
    scenario: "normal",
    seed: "s",
    runId: "r",
    callbacks: [],
    deliveries: [
      { callback: 0, retry: true },
      { callback: 0, retry: true },
    ],
    recordings: [],
    streams: new Map(),
    originFiles: new Map(),
  };
  const answer = { status: 200, error: null };
  const delivered = { callback: 0, attempts: 1, answer, verdict: "as_planned" } as const;
  const log = {
    deliveries: [delivered, delivered],
    bodies: new Map(),
    answers: new Map([
      ["503 overloaded", 1],
      ["200", 2],
    ]),
    latenciesMs: [30, 10, 20],
    retries: 1,
    durationMs: 1500,
  };

  it("is sorted by how often an answer came", () => {
    const summary = summarise(plan, log, null);
    expect(Object.keys(summary.answers)).toEqual(["200", "503 overloaded"]);
    expect(summary).toMatchObject({
      ok: true,
      requests: 3,
      latencyMs: { p50: 20, p99: 30, max: 30 },
    });
    expect(formatSummary(summary)).toContain("latency p50 20.0 ms, p99 30.0 ms, max 30.0 ms");
  });

  it("is not well when a delivery is missing, failed, or a deviation was found", () => {
    const [only] = log.deliveries;
    expect(summarise(plan, { ...log, deliveries: only ? [only] : [] }, null).ok).toBe(false);
    const undelivered = { ...delivered, verdict: "undelivered" } as const;
    const failed = summarise(plan, { ...log, deliveries: [delivered, undelivered] }, null);
    expect(failed).toMatchObject({ ok: false, verdicts: { undelivered: 1 } });
    const deviation = { kind: "lost", subject: "x", expected: "y", found: "z" } as const;
    const report = { rows: [], deviations: [deviation], waitedMs: 1 };
    expect(summarise(plan, log, report).ok).toBe(false);
  });
});
