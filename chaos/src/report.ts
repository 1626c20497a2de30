import { CHECKS } from "./audit/checks.ts";
import type { CheckName, Violation } from "./audit/checks.ts";
import { FAULT_KINDS, FAULT_KIND_NAMES } from "./fault-kinds.ts";
import type { FaultKind, Topology } from "./fault-kinds.ts";
import { countByKind } from "./plan.ts";
import type { ChaosPlan, PlannedFault } from "./plan.ts";
import type { FaultOutcome } from "./run-faults.ts";

/** What a run did and found; `--json` prints it. */
export interface ChaosReport {
  topology: Topology;
  seed: string;
  minutes: number;
  ratePerS: number;
  faults: readonly FaultOutcome[];
  callbacks: {
    deliveries: number;
    /** Distinct bodies. */
    sent: number;
    acknowledged: number;
    lost: number;
    doubled: number;
    /** Requests by what came back. */
    answers: Readonly<Record<string, number>>;
  };
  outcomes: number;
  recordings: number;
  storedFiles: number;
  /** From the end of the load until all was at rest. */
  drainedAfterMs: number;
  checks: readonly { name: CheckName; what: string; violations: number }[];
  violations: readonly Violation[];
  /** The folder with data and logs; null when it was removed. */
  keptIn: string | null;
  ok: boolean;
}

/** Every check with the number of its violations. */
export function checksOf(violations: readonly Violation[]): ChaosReport["checks"] {
  return (Object.keys(CHECKS) as CheckName[]).map((name) => ({
    name,
    what: CHECKS[name],
    violations: violations.filter(({ check }) => check === name).length,
  }));
}

/** Of the process. */
export function exitCodeOf({ ok }: ChaosReport): 0 | 1 {
  return ok ? 0 : 1;
}

const secondsText = (ms: number): string => (ms / 1000).toFixed(1);

/** The plan, a line for each fault. */
export function planText(plan: ChaosPlan, ratePerS: number, limits: readonly string[]): string {
  const line = ({ number, atMs, durationMs, kind, target }: PlannedFault): string =>
    `  ${String(number).padStart(4)}  ${secondsText(atMs).padStart(7)} s  ${secondsText(durationMs).padStart(5)} s  ${kind.padEnd(19)} ${target}`;
  return [
    `Chaos: seed ${plan.seed}, ${plan.minutes} min, topology ${plan.topology}, ${ratePerS} callbacks/s, ${plan.faults.length} faults`,
    "     #       after   for     fault               target",
    ...plan.faults.map(line),
    ...limits.map((limit) => `  not possible here: ${limit}`),
  ].join("\n");
}

/** Violations shown in full; `--json` has all. */
const MOST_SHOWN = 50;

/** What happened and what was found, for people; ends with the line that a script counts. */
export function reportText(report: ChaosReport): string {
  const { callbacks, faults, violations } = report;
  const idle = faults.filter(({ took }) => !took);
  const passed = report.checks.filter((check) => check.violations === 0).length;
  const lines = [
    "",
    `Faults: ${faults.length}, of which ${faults.length - idle.length} took effect`,
    ...kindLines(faults),
    ...idle.map(
      ({ fault, detail }) =>
        `  without effect: #${fault.number} ${fault.kind} of ${fault.target}: ${detail}`,
    ),
    `Callbacks: ${callbacks.deliveries} deliveries, ${callbacks.sent} bodies, ${callbacks.acknowledged} acknowledged, ${callbacks.lost} lost, ${callbacks.doubled} doubled`,
    `  answers: ${Object.entries(callbacks.answers)
      .map(([answer, count]) => `${answer} × ${count}`)
      .join(", ")}`,
    `Catalogue: ${report.outcomes} outcomes, ${report.recordings} recordings, ${report.storedFiles} stored; at rest ${secondsText(report.drainedAfterMs)} s after the last callback`,
    ...report.checks.map(({ what, violations: count }) =>
      count === 0 ? `  ok      ${what}` : `  FAILED  ${what} (${count})`,
    ),
    ...violations
      .slice(0, MOST_SHOWN)
      .map(({ check, id, detail }) => `  ${check}: ${id}: ${detail}`),
    ...(violations.length > MOST_SHOWN
      ? [`  … and ${violations.length - MOST_SHOWN} more (--json has them all)`]
      : []),
    `Seed ${report.seed}, topology ${report.topology}, ${report.minutes} min: ${report.ok ? "nothing lost, nothing doubled, nothing half" : "VIOLATED"}`,
    ...(report.keptIn === null ? [] : [`Data and logs: ${report.keptIn}`]),
    `${passed} checks passed, ${report.checks.length - passed} failed`,
  ];
  return lines.join("\n");
}

function kindLines(faults: readonly FaultOutcome[]): string[] {
  const planned = countByKind(faults.map(({ fault }) => fault));
  const took = countByKind(faults.filter((one) => one.took).map(({ fault }) => fault));
  return [...planned]
    .toSorted(([a], [b]) => FAULT_KIND_NAMES.indexOf(a) - FAULT_KIND_NAMES.indexOf(b))
    .map(
      ([kind, count]) =>
        `  ${kind.padEnd(19)} ${String(took.get(kind) ?? 0).padStart(4)} of ${String(count).padStart(4)}  ${FAULT_KINDS[kind].what}`,
    );
}

export const RESULTS_TITLE = "Chaos";
export const RESULTS_INTRO =
  "`npm run chaos -- --seed S --minutes M --topology T --results` adds a row: faults that took effect by kind, distinct callbacks (bodies) that were sent and acknowledged, and how many of the acknowledged ones were lost or doubled.";
export const RESULTS_HEAD = [
  "date",
  "topology",
  "seed",
  "minutes",
  "faults",
  "by kind",
  "sent",
  "acknowledged",
  "lost",
  "doubled",
  "other violations",
] as const;

/** One row for `bench/results.md`. */
export function resultsRow(report: ChaosReport, date: string): string[] {
  const took = report.faults.filter((one) => one.took).map(({ fault }) => fault);
  const byKind = [...countByKind(took)].toSorted(
    ([a], [b]: [FaultKind, number]) => FAULT_KIND_NAMES.indexOf(a) - FAULT_KIND_NAMES.indexOf(b),
  );
  const { sent, acknowledged, lost, doubled } = report.callbacks;
  return [
    date,
    report.topology,
    report.seed,
    String(report.minutes),
    String(took.length),
    byKind.map(([kind, count]) => `${kind} ${count}`).join(", "),
    String(sent),
    String(acknowledged),
    String(lost),
    String(doubled),
    String(report.violations.length - lost - doubled),
  ];
}
