import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FAULT_KINDS, TOPOLOGIES, kindsFor, targetsOf } from "./fault-kinds.ts";
import { MOST_AT_ONCE, countByKind, makePlan } from "./plan.ts";

const anyRun = fc.record({
  seed: fc.string({ maxLength: 20 }),
  minutes: fc.double({ min: 0.5, max: 12, noNaN: true }),
  topology: fc.constantFrom(...TOPOLOGIES),
});

describe("a plan of faults", () => {
  test("is the same for the same seed, length and topology", () => {
    fc.assert(
      fc.property(anyRun, (run) => {
        expect(makePlan(run)).toEqual(makePlan({ ...run }));
      }),
    );
  });

  test("is another one for another seed", () => {
    const faults = (seed: string): unknown =>
      makePlan({ seed, minutes: 2, topology: "single" }).faults;
    expect(faults("1")).not.toEqual(faults("2"));
  });

  test("leaves every target the time to heal, and never more than a few faults at once", () => {
    fc.assert(
      fc.property(anyRun, (run) => {
        const { faults, durationMs } = makePlan(run);
        const healedAt = new Map<string, number>();
        for (const { kind, target, atMs, durationMs: lengthMs } of faults) {
          const endMs = atMs + lengthMs;
          for (const one of targetsOf(kind, target)) {
            expect(healedAt.get(one) ?? 0).toBeLessThanOrEqual(atMs);
            healedAt.set(one, endMs + FAULT_KINDS[kind].healMs);
          }
          expect(atMs).toBeGreaterThan(0);
          expect(endMs).toBeLessThan(durationMs);
          const together = faults.filter(
            (one) => one.atMs <= atMs && one.atMs + one.durationMs > atMs,
          );
          expect(together.length).toBeLessThanOrEqual(MOST_AT_ONCE);
        }
      }),
      { numRuns: 50 },
    );
  });

  test("has ten faults a minute or more, on targets and for times that its kinds allow", () => {
    fc.assert(
      fc.property(anyRun, (run) => {
        const { faults, kinds } = makePlan(run);
        expect(faults.length).toBeGreaterThanOrEqual(Math.floor(run.minutes * 10));
        for (const { kind, target, durationMs } of faults) {
          expect(kinds).toContain(kind);
          expect(FAULT_KINDS[kind].targets).toContain(target);
          const [least, most] = FAULT_KINDS[kind].durationMs;
          expect(durationMs).toBeGreaterThanOrEqual(least);
          expect(durationMs).toBeLessThanOrEqual(most);
        }
      }),
      { numRuns: 50 },
    );
  });

  test("has every kind in five minutes, and over three hundred faults in thirty", () => {
    fc.assert(
      fc.property(fc.string(), fc.constantFrom(...TOPOLOGIES), (seed, topology) => {
        const counts = countByKind(makePlan({ seed, minutes: 5, topology }).faults);
        expect([...counts.keys()].toSorted()).toEqual(kindsFor(topology, 5).toSorted());
        expect(makePlan({ seed, minutes: 30, topology }).faults.length).toBeGreaterThan(300);
      }),
      { numRuns: 10 },
    );
  });

  test("has only the kinds that were asked for", () => {
    const { faults } = makePlan({
      seed: "x",
      minutes: 3,
      topology: "single",
      kinds: ["redis-kill", "clock-behind"],
    });
    expect([...countByKind(faults).keys()].toSorted()).toEqual(["clock-behind", "redis-kill"]);
  });

  test("has none when no kind is asked for", () => {
    expect(makePlan({ seed: "x", minutes: 1, topology: "single", kinds: [] }).faults).toEqual([]);
  });
});
