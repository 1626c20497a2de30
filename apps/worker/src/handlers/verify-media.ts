import type { MediaJob } from "@reelgate/shared/contract/jobs";
import type { MediaReport } from "@reelgate/shared/contract/media";
import { AppError } from "@reelgate/shared/errors";
import type { MediaTarget } from "@reelgate/catalogue/media-state";
import type { Clock, MediaCatalogue, MediaEngine, WorkerEvents } from "../ports.ts";
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

/**
 * Stage 2: looks at the file of one recording and writes down what is there, or why that could not be said.
 *
 * The catalogue is written before the job ends, so whatever happens to the job afterwards, the recording's state tells
 * the truth. Attempts are counted in the catalogue too: stalls and restarts of workers are no attempts at the file.
 *
 * @throws the signal's reason when it aborts: nothing was decided.
 */
export async function verifyMedia(
  deps: VerifyMediaDeps,
  job: MediaJob,
  { signal, crashes }: JobRun,
): Promise<JobEnd> {
  const target = await whileCatalogueAway(deps, signal, () => deps.catalogue.target(job));
  if (target === null) {
    deps.events.mediaObsolete(job);
    return { kind: "done" };
  }
  if (crashes >= MAX_CRASHES) {
    return await noteFailure(deps, job, target, new AppError("media_look_crashed"), signal);
  }
  const looked = await look(deps.engine, target, signal);
  if (looked.kind === "report") {
    await whileCatalogueAway(deps, signal, () => deps.catalogue.report(job, looked.report));
    deps.events.mediaIndexed(job, looked.report);
    return { kind: "done" };
  }
  return await noteFailure(deps, job, target, looked.error, signal);
}

type Looked = { kind: "report"; report: MediaReport } | { kind: "error"; error: AppError };

async function look(
  engine: MediaEngine,
  target: MediaTarget,
  signal: AbortSignal,
): Promise<Looked> {
  try {
    return { kind: "report", report: await engine.index(target.videoUrl, target.declared, signal) };
  } catch (error) {
    // A look that was cut short says nothing about the file.
    signal.throwIfAborted();
    return {
      kind: "error",
      error: error instanceof AppError ? error : new AppError("internal", { cause: error }),
    };
  }
}

async function noteFailure(
  deps: VerifyMediaDeps,
  job: MediaJob,
  target: MediaTarget,
  error: AppError,
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
  };
  await whileCatalogueAway(deps, signal, () => deps.catalogue.failure(job, failure));
  deps.events.mediaAttemptFailed(job, failure, error);
  switch (decision.kind) {
    case "retry":
      return { kind: "retry", delayMs: decision.delayMs, error };
    case "final":
      return { kind: "failed", error };
    default:
      return decision satisfies never;
  }
}
