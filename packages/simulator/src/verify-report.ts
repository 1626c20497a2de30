import type { Outcome } from "@reelgate/shared/contract/recording";

/**
 * - `lost`: acknowledged, and not in the catalogue by the deadline;
 * - `wrong_outcome`: settled otherwise than the scenario expects;
 * - `doubled`: more than one recording, or the same callback twice, where there must be one;
 * - `unplanned`: in the catalogue though it was refused, or a recording that nobody announced;
 * - `wrong_recording`: a field, count or link of a row is not what its callbacks say;
 * - `wrong_media`: state, real size or findings are not those of the served file;
 * - `secret_shown`: an answer of the API contains what nobody may see;
 * - `unreadable`: an answer of the API breaks its contract.
 */
export type DeviationKind =
  | "lost"
  | "wrong_outcome"
  | "doubled"
  | "unplanned"
  | "wrong_recording"
  | "wrong_media"
  | "secret_shown"
  | "unreadable";

export interface Deviation {
  kind: DeviationKind;
  subject: string;
  expected: string;
  found: string;
}

/** One line of the table: how many there must be, and how many there are. */
export interface CheckRow {
  what: string;
  expected: number;
  found: number;
}

export interface VerifyReport {
  rows: CheckRow[];
  deviations: Deviation[];
  waitedMs: number;
}

/** What the rows count. */
export type CheckName =
  | Outcome
  | "refused"
  | "recordings"
  | "whole"
  | "truncated"
  | "missing"
  | "redacted";

const ROW_NAMES: Readonly<Record<CheckName, string>> = {
  recorded: "callbacks recorded",
  duplicate: "callbacks duplicate",
  conflict: "callbacks conflict",
  invalid: "callbacks invalid",
  unsupported: "callbacks unsupported",
  refused: "refused bodies that are not in the catalogue",
  recordings: "recordings, one each, with the fields of their callbacks",
  whole: "whole files verified: size, duration, tracks",
  truncated: "truncated files found out",
  missing: "missing files pending or failed",
  redacted: "callbacks shown without their secrets",
};

/** Collects what a verification counts and finds. */
export class VerifyLedger {
  readonly #counts = new Map<CheckName, { expected: number; found: number }>();
  readonly #deviations: Deviation[] = [];

  expect(name: CheckName, expected: number, found: number): void {
    const count = this.#counts.get(name) ?? { expected: 0, found: 0 };
    count.expected += expected;
    count.found += found;
    this.#counts.set(name, count);
  }

  deviation(kind: DeviationKind, subject: string, expected: string, found: string): void {
    this.#deviations.push({ kind, subject, expected, found });
  }

  report(waitedMs: number): VerifyReport {
    const rows: CheckRow[] = [];
    for (const [name, what] of Object.entries(ROW_NAMES)) {
      const count = this.#counts.get(name as CheckName);
      if (count !== undefined) rows.push({ what, ...count });
    }
    return { rows, deviations: this.#deviations, waitedMs };
  }
}

/** Deviations shown in full; the rest is counted, and whole in the JSON. */
const SHOWN_DEVIATIONS = 25;

/** The table of expected against found, and each deviation, for people. */
export function formatVerifyReport(report: VerifyReport): string {
  const width = Math.max(12, ...report.rows.map((row) => row.what.length));
  const line = (what: string, expected: string, found: string): string =>
    `  ${what.padEnd(width)}  ${expected.padStart(8)}  ${found.padStart(8)}`;
  const lines = [
    `Verified against the catalogue (waited ${(report.waitedMs / 1000).toFixed(1)} s)`,
    line("", "expected", "found"),
    ...report.rows.map(
      (row) =>
        line(row.what, String(row.expected), String(row.found)) +
        (row.expected === row.found ? "" : "  <-"),
    ),
  ];
  const { deviations } = report;
  if (deviations.length === 0) {
    lines.push("  no deviation");
  } else {
    lines.push("", `${deviations.length} deviation${deviations.length === 1 ? "" : "s"}`);
    for (const { kind, subject, expected, found } of deviations.slice(0, SHOWN_DEVIATIONS)) {
      lines.push(`  ${kind}: ${subject}: expected ${expected}, found ${found}`);
    }
    if (deviations.length > SHOWN_DEVIATIONS) {
      lines.push(`  … and ${deviations.length - SHOWN_DEVIATIONS} more (--json has them all)`);
    }
  }
  return lines.join("\n");
}
