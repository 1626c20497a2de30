import type { Callback } from "@reelgate/shared/contract/recording";
import { setTimeout as delay } from "node:timers/promises";
import { ApiError } from "./api-client.ts";
import type { ApiClient, Shown } from "./api-client.ts";
import type { Plan, PlannedCallback } from "./plan.ts";
import type { SendLog, SentBody } from "./send.ts";
import { forEachLimited } from "./slots.ts";
import type { ProgressListener, SettledBody, Verification } from "./verification.ts";
import { verifyRecordings } from "./verify-recordings.ts";
import { VerifyLedger } from "./verify-report.ts";
import type { VerifyReport } from "./verify-report.ts";

export interface VerifyOptions {
  plan: Plan;
  log: SendLog;
  api: ApiClient;
  /** How long the catalogue may take to settle, in all. */
  timeoutMs: number;
  pollIntervalMs?: number;
  /** Questions to the API at once. */
  concurrency?: number;
  onProgress?: ProgressListener;
  signal?: AbortSignal;
}

/**
 * After so many misses a round is over: callbacks settle in about the order of sending, and asking for thousands that
 * are still queued would only slow the queue down. The last round asks for all.
 */
const MISSES_PER_ROUND = 64;

const DEFAULT_POLL_INTERVAL_MS = 500;
const DEFAULT_CONCURRENCY = 8;

const plannedOf = (plan: Plan, body: SentBody): PlannedCallback => {
  const callback = plan.callbacks[body.callback];
  if (callback === undefined) throw new RangeError(`no callback ${body.callback}`);
  return callback;
};

/** `absent` also when no answer came this time; an unreadable answer is a deviation. */
async function askForCallback(
  run: Verification,
  id: string,
): Promise<Shown<Callback> | "absent" | "unreadable"> {
  try {
    return (await run.api.callback(id)) ?? "absent";
  } catch (error) {
    if (!(error instanceof ApiError) || error.kind === "refused") throw error;
    if (error.kind === "unavailable") return "absent";
    run.ledger.deviation("unreadable", id, "an answer within the contract", error.message);
    return "unreadable";
  }
}

function checkSecrets(run: Verification, settled: SettledBody, text: string): void {
  const { body } = settled;
  const secrets = [...settled.planned.secrets, ...(body.sign === null ? [] : [body.sign])];
  const isClean = !secrets.some((secret) => text.includes(secret));
  run.ledger.expect("redacted", 1, isClean ? 1 : 0);
  if (!isClean) {
    run.ledger.deviation(
      "secret_shown",
      `${settled.planned.label}, ${body.id}`,
      "sign and push secret redacted",
      "one of them in the API's answer",
    );
  }
}

/** Waits for every acknowledged body, and looks once for those that were sent without an answer. */
async function settledBodies(
  run: Verification,
  acknowledged: readonly SentBody[],
  unanswered: readonly SentBody[],
): Promise<Map<string, SettledBody>> {
  const settled = new Map<string, SettledBody>();
  const seen = new Set<string>();
  const look = async (body: SentBody): Promise<boolean> => {
    const answer = await askForCallback(run, body.id);
    if (answer === "absent") return false;
    seen.add(body.id);
    if (answer === "unreadable") return true;
    const entry = { body, planned: plannedOf(run.plan, body), callback: answer.value };
    settled.set(body.id, entry);
    checkSecrets(run, entry, answer.text);
    return true;
  };
  const round = async (maxMisses: number): Promise<void> => {
    let misses = 0;
    await forEachLimited(
      acknowledged.filter((body) => !seen.has(body.id)),
      run.concurrency,
      async (body) => {
        if (misses < maxMisses && !(await look(body))) misses += 1;
      },
    );
    run.onProgress("Settling", seen.size, acknowledged.length);
  };
  await round(MISSES_PER_ROUND);
  while (seen.size < acknowledged.length) {
    if (!(await run.tick())) {
      await round(Infinity);
      break;
    }
    await round(MISSES_PER_ROUND);
  }
  await forEachLimited(unanswered, run.concurrency, async (body) => {
    await look(body);
  });
  for (const body of acknowledged) {
    if (!seen.has(body.id)) {
      const { label } = plannedOf(run.plan, body);
      run.ledger.deviation("lost", `${label}, ${body.id}`, "an outcome", "nothing");
    }
  }
  return settled;
}

function checkSingle(run: Verification, entry: SettledBody): void {
  const { callback, planned: plannedCallback, body } = entry;
  const { expect } = plannedCallback;
  const subject = `${plannedCallback.label}, ${body.id}`;
  if (expect.kind !== "invalid" && expect.kind !== "unsupported") return;
  const { ledger } = run;
  ledger.expect(callback.outcome, 0, 1);
  if (callback.outcome !== expect.kind) {
    ledger.deviation("wrong_outcome", subject, expect.kind, callback.outcome);
    return;
  }
  if (callback.recordingId !== null) {
    ledger.deviation("wrong_recording", subject, "no recording", `one: ${callback.recordingId}`);
  }
  if (expect.kind === "unsupported" && callback.eventType !== expect.eventType) {
    ledger.deviation(
      "wrong_outcome",
      subject,
      `event type ${expect.eventType}`,
      String(callback.eventType),
    );
  }
  if (expect.kind === "invalid") {
    const paths = callback.problems.map((problem) => problem.path);
    if (!paths.some((path) => expect.paths.includes(path))) {
      ledger.deviation(
        "wrong_outcome",
        subject,
        `a problem at ${expect.paths.join(" or ")}`,
        `problems at: ${paths.join(", ") || "none"}`,
      );
    }
  }
}

async function checkRefused(run: Verification, bodies: readonly SentBody[]): Promise<void> {
  await forEachLimited(bodies, run.concurrency, async (body) => {
    const answer = await askForCallback(run, body.id);
    run.ledger.expect("refused", 1, answer === "absent" ? 1 : 0);
    if (typeof answer !== "string") {
      run.ledger.deviation(
        "unplanned",
        `${plannedOf(run.plan, body).label}, ${body.id}`,
        "nothing in the catalogue",
        `outcome ${answer.value.outcome}`,
      );
    }
  });
}

/**
 * Asks the catalogue whether every acknowledged callback reached its outcome and every recording its state, until
 * all is settled or the deadline has passed.
 *
 * A body that was sent but not acknowledged may or may not be there; if it is, it must have settled rightly too.
 *
 * @throws ApiError when the API refuses the password.
 */
export async function verifyRun(options: VerifyOptions): Promise<VerifyReport> {
  const startedMs = performance.now();
  const deadlineMs = startedMs + options.timeoutMs;
  const pollIntervalMs = options.pollIntervalMs ?? DEFAULT_POLL_INTERVAL_MS;
  const ledger = new VerifyLedger();
  const run: Verification = {
    plan: options.plan,
    api: options.api,
    ledger,
    concurrency: options.concurrency ?? DEFAULT_CONCURRENCY,
    tick: async () => {
      const leftMs = deadlineMs - performance.now();
      if (leftMs <= 0 || options.signal?.aborted === true) return false;
      await delay(Math.min(pollIntervalMs, leftMs));
      return true;
    },
    onProgress: options.onProgress ?? ((): void => undefined),
  };
  const acknowledged: SentBody[] = [];
  const unanswered: SentBody[] = [];
  const refused: SentBody[] = [];
  for (const body of options.log.bodies.values()) {
    const { expect } = plannedOf(options.plan, body);
    if (expect.kind === "refused") refused.push(body);
    else if (body.acknowledged) acknowledged.push(body);
    else unanswered.push(body);
  }

  const settled = await settledBodies(run, acknowledged, unanswered);
  for (const body of acknowledged) {
    const { expect } = plannedOf(options.plan, body);
    if (expect.kind === "invalid" || expect.kind === "unsupported")
      ledger.expect(expect.kind, 1, 0);
  }
  for (const entry of settled.values()) {
    if (!entry.body.acknowledged && entry.planned.expect.kind !== "recording") {
      ledger.expect(entry.planned.expect.kind, 1, 0);
    }
    checkSingle(run, entry);
  }
  await verifyRecordings(run, acknowledged, settled);
  await checkRefused(run, refused);
  return ledger.report(performance.now() - startedMs);
}
