import type { Attributes, Span, Telemetry } from "bullmq";
import type { Context } from "@opentelemetry/api";
import type { Tracing } from "../tracing/tracing.ts";

/**
 * What of BullMQ's own attributes is kept. Not among them: results, reasons of failures and progress, which are text of
 * the jobs (guarantee G6).
 */
const KEPT_ATTRIBUTES: ReadonlySet<string> = new Set([
  "bullmq.queue.name",
  "bullmq.queue.operation",
  "bullmq.job.name",
  "bullmq.job.id",
  "bullmq.job.attempts.made",
]);

/** BullMQ makes spans for its own polling too, once per job and per idle turn. */
const KEPT_SPANS = /^(?:add|process) /u;

/**
 * Carries traces from who queues a job to who works on it; null when there are none. The context travels in the job's
 * options. A job whose trace cannot be read is worked on all the same.
 */
export async function bullmqTelemetry(tracing: Tracing): Promise<Telemetry<Context> | null> {
  if (!tracing.isOn) return null;
  const [{ BullMQOtel }, { ROOT_CONTEXT }] = await Promise.all([
    import("bullmq-otel"),
    import("@opentelemetry/api"),
  ]);
  const { tracer, contextManager } = new BullMQOtel({ tracerName: "reelgate" });
  return {
    tracer: {
      startSpan: (name, options, parent) =>
        KEPT_SPANS.test(name) ? discreet(tracer.startSpan(name, options, parent)) : NO_SPAN,
    },
    contextManager: {
      with: (at, work) => contextManager.with(at as Context, work),
      active: () => contextManager.active(),
      root: () => ROOT_CONTEXT,
      getMetadata: (at) => contextManager.getMetadata(at as Context),
      fromMetadata: (active, metadata) => {
        try {
          return contextManager.fromMetadata(active as Context, metadata);
        } catch {
          return active as Context;
        }
      },
    },
  };
}

/** Passes on neither events nor exceptions, whose messages and stacks are foreign text. */
function discreet(span: Span<Context>): Span<Context> {
  return {
    setSpanOnContext: (at) => span.setSpanOnContext(at),
    setAttribute(name, value) {
      if (KEPT_ATTRIBUTES.has(name)) span.setAttribute(name, value);
    },
    setAttributes(attributes) {
      span.setAttributes(kept(attributes));
    },
    addEvent() {},
    recordException() {
      span.setAttribute("error.type", "exception");
    },
    end: () => span.end(),
  };
}

function kept(attributes: Attributes): Attributes {
  return Object.fromEntries(
    Object.entries(attributes).filter(([name]) => KEPT_ATTRIBUTES.has(name)),
  );
}

const NO_SPAN: Span<Context> = {
  setSpanOnContext: (at) => at,
  setAttribute() {},
  setAttributes() {},
  addEvent() {},
  recordException() {},
  end() {},
};
