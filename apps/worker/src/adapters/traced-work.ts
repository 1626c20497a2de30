import { brokenFindings } from "@reelgate/shared/contract/media";
import type { Tracing } from "@reelgate/shared/tracing/tracing";
import type { CallbackCatalogue, MediaEngine, MediaResult } from "../ports.ts";
import type { JobEnd, StageHandler } from "../stages/stage.ts";

/** Spans around ports and handlers, which know nothing of them. Attributes are ids, counts and closed sets. */

export function tracedCatalogue<C extends CallbackCatalogue>(tracing: Tracing, catalogue: C): C {
  if (!tracing.isOn) return catalogue;
  return {
    ...catalogue,
    settle: (callback) =>
      tracing.span("catalogue settle", async (span) => {
        span.set({ "reelgate.callback.id": callback.id });
        const settlement = await catalogue.settle(callback);
        span.set({
          "reelgate.outcome": settlement.outcome,
          "reelgate.repeated": settlement.repeated,
          "reelgate.recording.id": settlement.recordingId,
        });
        return settlement;
      }),
  };
}

export function tracedEngine(tracing: Tracing, engine: MediaEngine): MediaEngine {
  if (!tracing.isOn) return engine;
  return {
    process: (target, run) =>
      tracing.span("look at media", async (span) => {
        span.set({ "reelgate.declared.format": target.declared.format });
        const result = await engine.process(target, run);
        span.set(describe(result));
        return result;
      }),
    discard: (target) => engine.discard(target),
  };
}

function describe(result: MediaResult): Record<string, string | number> {
  const { media, findings } = result.report;
  return {
    "reelgate.result": result.kind,
    "reelgate.container": media.container,
    "reelgate.findings.count": findings.length,
    "reelgate.findings.broken.count": brokenFindings(findings).length,
  };
}

/** One run of a job. Its end is the verdict: done, retry or failed, the last two with the code of the error. */
export function tracedHandler<T>(
  tracing: Tracing,
  name: string,
  handler: StageHandler<T>,
): StageHandler<T> {
  if (!tracing.isOn) return handler;
  return (data, run) =>
    tracing.span(name, async (span) => {
      const end = await handler(data, run);
      span.set({ "reelgate.end": end.kind, "reelgate.code": codeOf(end) });
      return end;
    });
}

function codeOf(end: JobEnd): string | null {
  if (end.kind === "done") return null;
  return "code" in end.error && typeof end.error.code === "string" ? end.error.code : "internal";
}
