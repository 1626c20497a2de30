import type { Plan } from "./plan.ts";
import { answerLabel } from "./send.ts";
import type { SendLog, Verdict } from "./send.ts";
import type { VerifyReport } from "./verify-report.ts";

/** Latencies of answered requests, in milliseconds; null when there was no answer. */
export interface LatencySummary {
  p50: number | null;
  p99: number | null;
  max: number | null;
}

/** What `--json` prints. */
export interface Summary {
  scenario: string;
  seed: string;
  runId: string;
  planned: number;
  sent: number;
  requests: number;
  retries: number;
  durationS: number;
  /** Requests by answer: "200", "401 bad_signature", "timeout". */
  answers: Record<string, number>;
  /** Requests that the receiver accepted for good. */
  acknowledgedCallbacks: number;
  verdicts: Record<Verdict, number>;
  /** Deliveries that were not answered as planned, at most 100 of them. */
  failures: { callback: string; planned: string; answered: string; verdict: Verdict }[];
  latencyMs: LatencySummary;
  verify: VerifyReport | null;
  ok: boolean;
}

/**
 * The value below or at which `p` percent of the samples lie (nearest rank). Null without samples.
 *
 * @param sorted ascending.
 */
export function percentile(sorted: readonly number[], p: number): number | null {
  const rank = Math.max(1, Math.ceil((p / 100) * sorted.length));
  return sorted[rank - 1] ?? null;
}

const MAX_FAILURES = 100;

export function summarise(plan: Plan, log: SendLog, verify: VerifyReport | null): Summary {
  const verdicts: Record<Verdict, number> = { as_planned: 0, unexpected: 0, undelivered: 0 };
  const failures: Summary["failures"] = [];
  for (const result of log.deliveries) {
    verdicts[result.verdict] += 1;
    if (result.verdict !== "as_planned" && failures.length < MAX_FAILURES) {
      const callback = plan.callbacks[result.callback];
      const expect = callback?.expect;
      failures.push({
        callback: callback?.label ?? "",
        planned: expect?.kind === "refused" ? `${expect.status} ${expect.error}` : "200",
        answered: answerLabel(result.answer),
        verdict: result.verdict,
      });
    }
  }
  const sorted = log.latenciesMs.toSorted((a, b) => a - b);
  const sent = log.deliveries.length;
  const acknowledged = [...log.bodies.values()].filter((body) => body.acknowledged).length;
  return {
    scenario: plan.scenario,
    seed: plan.seed,
    runId: plan.runId,
    planned: plan.deliveries.length,
    sent,
    requests: [...log.answers.values()].reduce((sum, count) => sum + count, 0),
    retries: log.retries,
    durationS: log.durationMs / 1000,
    answers: Object.fromEntries([...log.answers].toSorted((a, b) => b[1] - a[1])),
    acknowledgedCallbacks: acknowledged,
    verdicts,
    failures,
    latencyMs: {
      p50: percentile(sorted, 50),
      p99: percentile(sorted, 99),
      max: sorted.at(-1) ?? null,
    },
    verify,
    ok:
      verdicts.as_planned === plan.deliveries.length &&
      (verify === null || verify.deviations.length === 0),
  };
}

const ms = (value: number | null): string => (value === null ? "-" : `${value.toFixed(1)} ms`);

/** Failures shown in full; the JSON has more. */
const SHOWN_FAILURES = 10;

/** The summary of the sending, for people. */
export function formatSummary(summary: Summary): string {
  const { latencyMs, verdicts } = summary;
  const lines = [
    `Sent ${summary.sent} of ${summary.planned} deliveries in ${summary.durationS.toFixed(1)} s ` +
      `(${summary.requests} requests, ${summary.retries} retries)`,
    ...Object.entries(summary.answers).map(
      ([answer, count]) => `  ${answer.padEnd(24)} ${String(count).padStart(8)}`,
    ),
    `  latency p50 ${ms(latencyMs.p50)}, p99 ${ms(latencyMs.p99)}, max ${ms(latencyMs.max)}`,
    `  answered as planned ${verdicts.as_planned}, otherwise ${verdicts.unexpected}, undelivered ${verdicts.undelivered}`,
    ...summary.failures
      .slice(0, SHOWN_FAILURES)
      .map(
        (failure) =>
          `  ${failure.verdict}: ${failure.callback}: planned ${failure.planned}, answered ${failure.answered}`,
      ),
  ];
  const hidden = verdicts.unexpected + verdicts.undelivered - SHOWN_FAILURES;
  if (hidden > 0) lines.push(`  … and ${hidden} more`);
  return lines.join("\n");
}
