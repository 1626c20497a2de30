import type { FileFormat } from "@reelgate/shared/contract/media";
import type { LocalRun } from "@reelgate/shared/contract/local-run";
import type { Progress } from "@reelgate/shared/progress";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { ApiError, createApiClient } from "./api-client.ts";
import type { ApiClient } from "./api-client.ts";
import type { Environment } from "./config.ts";
import { loadMediaSamples } from "./media-samples.ts";
import { startOrigin } from "./origin.ts";
import type { Origin } from "./origin.ts";
import type { Plan } from "./plan.ts";
import { makePlan } from "./scenario.ts";
import type { ScenarioName } from "./scenario.ts";
import type { PlannedOrigin } from "./scenarios/plan-builder.ts";
import { answerLabel, sendPlan } from "./send.ts";
import type { Attempt, SendLog } from "./send.ts";
import { formatSummary, summarise } from "./summary.ts";
import type { Summary } from "./summary.ts";
import { UsageError, resolveTarget } from "./target.ts";
import type { Target, TargetFlags } from "./target.ts";
import { formatVerifyReport } from "./verify-report.ts";
import type { VerifyReport } from "./verify-report.ts";
import { verifyRun } from "./verify.ts";

/** The flags of one run, read and checked. Durations in milliseconds. */
export interface RunFlags extends TargetFlags {
  count: number;
  ratePerS: number;
  concurrency: number;
  scenario: ScenarioName;
  format: FileFormat | "all";
  seed?: string | undefined;
  runId?: string | undefined;
  withOrigin: boolean;
  keepOrigin: boolean;
  verifyTimeoutMs: number;
  retryIntervalMs: number;
  retries: number;
  timeoutMs: number;
  resign: boolean;
  json: boolean;
}

/** What a run needs of the process around it. */
export interface RunContext {
  environment: Environment;
  localRun: LocalRun | null;
  /** Results, one text per call. */
  print: (text: string) => void;
  /** Notes that are no result. */
  note: (text: string) => void;
  progress: Progress;
  /** Ends the sending and the waiting; what was done so far is still reported. */
  signal: AbortSignal;
}

/** With a given run id the same command sends the same recordings, and so their times are fixed too. */
const FIXED_BASE_TIME_S = Date.UTC(2026, 0, 1) / 1000;

/** No answer of this kind goes away by waiting; a minute between retries is long enough to want to know at once. */
const HOPELESS_STATUSES: ReadonlySet<number | null> = new Set([400, 401, 403, 404, 405, 413]);

async function openOrigin(flags: RunFlags, target: Target): Promise<Origin | null> {
  if (!flags.withOrigin) return null;
  try {
    return await startOrigin(target.originPort, target.originHost);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UsageError(
      `The media origin cannot listen on ${target.originHost}, port ${target.originPort} (${reason}). Pass others with --origin-host and --origin-port.`,
    );
  }
}

/** The password is tried before anything is sent: a run that cannot be verified should not begin. */
async function openApi(target: Target): Promise<ApiClient | null> {
  if (target.api === null) return null;
  const api = createApiClient(target.api);
  try {
    await api.stats();
    return api;
  } catch (error) {
    await api.close();
    if (!(error instanceof ApiError)) throw error;
    throw new UsageError(`--verify cannot ask the dashboard: ${error.message}`);
  }
}

function layOut(flags: RunFlags, origin: PlannedOrigin | null): Plan {
  return makePlan({
    scenario: flags.scenario,
    count: flags.count,
    seed: flags.seed ?? randomBytes(4).toString("hex"),
    runId: flags.runId ?? randomBytes(4).toString("hex"),
    format: flags.format,
    baseTimeS: flags.runId === undefined ? Math.floor(Date.now() / 1000) : FIXED_BASE_TIME_S,
    origin,
  });
}

async function send(
  plan: Plan,
  target: Target,
  flags: RunFlags,
  context: RunContext,
): Promise<SendLog> {
  let done = 0;
  let refusals = 0;
  const warnOnce = (attempt: Attempt): void => {
    const isPlanned = plan.callbacks[attempt.callback]?.expect.kind === "refused";
    if (isPlanned || !HOPELESS_STATUSES.has(attempt.status)) return;
    refusals += 1;
    if (refusals === 1 && flags.retries > 0) {
      context.note(
        `The receiver answers ${answerLabel(attempt)} to a true callback. It is repeated ${flags.retries} times, ` +
          `every ${flags.retryIntervalMs / 1000} s, as the provider does; --retries 0 gives up at once.`,
      );
    }
  };
  context.progress.start("Sending", plan.deliveries.length);
  try {
    return await sendPlan(plan, {
      url: target.url,
      key: target.key,
      ratePerS: flags.ratePerS,
      concurrency: flags.concurrency,
      timeoutMs: flags.timeoutMs,
      retries: flags.retries,
      retryIntervalMs: flags.retryIntervalMs,
      resign: flags.resign,
      signal: context.signal,
      onAttempt: warnOnce,
      onDelivery: () => {
        done += 1;
        context.progress.update(done);
      },
    });
  } finally {
    context.progress.stop();
  }
}

async function verify(
  plan: Plan,
  log: SendLog,
  api: ApiClient,
  flags: RunFlags,
  context: RunContext,
): Promise<VerifyReport> {
  let phase = "";
  try {
    return await verifyRun({
      plan,
      log,
      api,
      timeoutMs: flags.verifyTimeoutMs,
      signal: context.signal,
      onProgress: (name, settled, total) => {
        if (name !== phase) {
          if (phase !== "") context.progress.stop();
          phase = name;
          context.progress.start(name, total);
        }
        context.progress.update(settled);
      },
    });
  } finally {
    if (phase !== "") context.progress.stop();
  }
}

async function keepOpen(origin: Origin, context: RunContext): Promise<void> {
  context.note(`The media origin stays at ${origin.baseUrl} until Ctrl-C.`);
  if (!context.signal.aborted) await once(context.signal, "abort");
}

/**
 * One whole run: plan, send, verify, report.
 *
 * @throws UsageError before anything is sent, when the run cannot be done as asked.
 */
export async function simulate(flags: RunFlags, context: RunContext): Promise<Summary> {
  const target = resolveTarget(flags, context.environment, context.localRun);
  const api = await openApi(target);
  let origin: Origin | null = null;
  try {
    origin = await openOrigin(flags, target);
    const plan = layOut(
      flags,
      origin === null ? null : { baseUrl: origin.baseUrl, samples: await loadMediaSamples() },
    );
    origin?.publish(plan.originFiles);
    context.note(
      `Scenario ${plan.scenario}, seed ${plan.seed}, run id ${plan.runId}: ` +
        `${plan.deliveries.length} deliveries to ${new URL(target.url).origin}` +
        (origin === null ? "" : `, media from ${origin.baseUrl}`),
    );
    const log = await send(plan, target, flags, context);
    const sent = summarise(plan, log, null);
    if (!flags.json) context.print(formatSummary(sent));
    const report =
      api === null || context.signal.aborted ? null : await verify(plan, log, api, flags, context);
    const summary = summarise(plan, log, report);
    if (flags.json) context.print(JSON.stringify(summary, null, 2));
    else if (report !== null) context.print(formatVerifyReport(report));
    if (origin !== null && flags.keepOrigin) await keepOpen(origin, context);
    else if (origin !== null && api === null) {
      context.note(
        "The media origin stops now, and files that were not fetched yet are gone: --verify waits for them, --keep-origin keeps it.",
      );
    }
    return summary;
  } finally {
    await origin?.close();
    await api?.close();
  }
}
