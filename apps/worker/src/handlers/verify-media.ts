import type { MediaJob } from "@reelgate/shared/contract/jobs";
import { brokenFindings, type MediaReport } from "@reelgate/shared/contract/media";
import type { StoredCopy } from "@reelgate/shared/contract/recording";
import { AppError, type ErrorCode } from "@reelgate/shared/errors";
import type { MediaTarget } from "@reelgate/catalogue/media-state";
import type { Clock, MediaCatalogue, MediaEngine, MediaResult, WorkerEvents } from "../ports.ts";
import type { JobEnd, JobRun } from "../stages/stage.ts";
import { decideRetry } from "./retry-policy.ts";
import type { RetryLimits } from "./retry-policy.ts";
import { whileCatalogueAway } from "./while-catalogue-away.ts";

export interface VerifyMediaDeps {
  catalogue: MediaCatalogue;
  engine: MediaEngine;
  clock: Clock;
  events: WorkerEvents;
  limits: RetryLimits;
}

/**
 * Looks at one file that may end without a verdict, because the worker died, before that is the verdict. A file that
 * kills whoever looks at it must not take stage 1, in the same process, down with it for ever.
 */
const MAX_CRASHES = 5;

/** A recording of which nothing is left has a finding for each of its segments. */
const MAX_NAMED_FINDINGS = 5;

/**
 * Stage 2: looks at the file of one recording, keeps a copy if that is asked for, and writes down what is there, or why
 * that could not be said.
 *
 * The catalogue is written before the job ends, so whatever happens to the job afterwards, the recording's state tells
 * the truth. Attempts are counted in the catalogue too: stalls and restarts of workers are no attempts at the file.
 *
 * @throws the signal's reason when it aborts: nothing was decided.
 */
export async function verifyMedia(
  deps: VerifyMediaDeps,
  job: MediaJob,
  run: JobRun,
): Promise<JobEnd> {
  const { signal } = run;
  const target = await whileCatalogueAway(deps, signal, () => deps.catalogue.target(job));
  if (target === null) {
    deps.events.mediaObsolete(job);
    return { kind: "done" };
  }
  if (run.crashes >= MAX_CRASHES) {
    return await noteFailure(
      deps,
      job,
      target,
      { ...failed("media_look_crashed"), durationMs: 0 },
      signal,
    );
  }
  const startedAtMs = deps.clock.nowMs();
  const result = await process(deps.engine, target, run);
  const durationMs = Math.max(0, deps.clock.nowMs() - startedAtMs);
  switch (result.kind) {
    case "indexed":
      return await noteReport(deps, job, target, { ...result, stored: null, durationMs }, signal);
    case "stored":
      return await noteReport(deps, job, target, { ...result, durationMs }, signal);
    case "broken":
      return await noteFailure(
        deps,
        job,
        target,
        { ...incomplete(result.report), durationMs },
        signal,
      );
    case "failed":
      return await noteFailure(deps, job, target, { ...result, durationMs }, signal);
    default:
      return result satisfies never;
  }
}

interface FailedLook {
  kind: "failed";
  error: AppError;
  /** What was found all the same. */
  report: MediaReport | null;
}

function failed(code: ErrorCode): FailedLook {
  return { kind: "failed", error: new AppError(code), report: null };
}

async function process(
  engine: MediaEngine,
  target: MediaTarget,
  run: JobRun,
): Promise<MediaResult | FailedLook> {
  try {
    return await engine.process(target, run);
  } catch (error) {
    // A look that was cut short says nothing about the file.
    run.signal.throwIfAborted();
    return {
      kind: "failed",
      error: error instanceof AppError ? error : new AppError("internal", { cause: error }),
      report: null,
    };
  }
}

/** The failure of a recording that is there in part: its message names what is wrong, as far as it is short. */
function incomplete(report: MediaReport): FailedLook {
  const broken = brokenFindings(report.findings);
  const named = broken.slice(0, MAX_NAMED_FINDINGS).map(({ detail }) => detail);
  const more = broken.length - named.length;
  const error = new AppError("media_incomplete", {
    message: [...named, ...(more === 0 ? [] : [`${more} more findings.`])].join(" "),
  });
  return { kind: "failed", error, report };
}

async function noteReport(
  deps: VerifyMediaDeps,
  job: MediaJob,
  target: MediaTarget,
  {
    report,
    stored,
    durationMs,
  }: { report: MediaReport; stored: StoredCopy | null; durationMs: number },
  signal: AbortSignal,
): Promise<JobEnd> {
  await whileCatalogueAway(deps, signal, () =>
    deps.catalogue.report(job, report, stored, durationMs),
  );
  deps.events.mediaVerified(job, report, stored, target.times);
  return { kind: "done" };
}

async function noteFailure(
  deps: VerifyMediaDeps,
  job: MediaJob,
  target: MediaTarget,
  { error, report, durationMs }: FailedLook & { durationMs: number },
  signal: AbortSignal,
): Promise<JobEnd> {
  const attempts = target.attempts + 1;
  const decision = decideRetry(deps.limits, {
    error,
    attempts,
    ageMs: deps.clock.nowMs() - Date.parse(target.receivedAt),
    random: deps.clock.random(),
  });
  const failure = {
    code: error.code,
    message: error.message,
    attempts,
    final: decision.kind === "final",
    report,
    durationMs,
  };
  await whileCatalogueAway(deps, signal, () => deps.catalogue.failure(job, failure));
  deps.events.mediaAttemptFailed(job, failure, error);
  switch (decision.kind) {
    case "retry":
      return { kind: "retry", delayMs: decision.delayMs, error };
    case "final":
      await deps.engine.discard(target);
      return { kind: "failed", error };
    default:
      return decision satisfies never;
  }
}
