import {
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  context,
  createContextKey,
  propagation,
  trace,
} from "@opentelemetry/api";
import type { Context, Span } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { ExportResultCode, W3CTraceContextPropagator } from "@opentelemetry/core";
import type { ExportResult } from "@opentelemetry/core";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  SamplingDecision,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import type { ReadableSpan, Sampler, SpanExporter } from "@opentelemetry/sdk-trace";
import { withinMs } from "../lifecycle.ts";
import type { Logger } from "../logger.ts";
import type { SpanNotes, StartTracingOptions, Tracing } from "./tracing.ts";

/** One export; what a collector does not take in that time is dropped. */
const EXPORT_TIMEOUT_MS = 5000;
/** Spans wait so long for others to be sent with them. */
const EXPORT_INTERVAL_MS = 2000;
/** Spans in memory, about a kilobyte each. While the collector is away, those above are dropped. */
const MAX_QUEUED_SPANS = 4096;
const FLUSH_MS = 2000;
/** A collector that is away fails every export; one line in this many milliseconds tells as much. */
const FAILURE_LOG_INTERVAL_MS = 60_000;

const STARTS_TRACE = createContextKey("reelgate starts a trace");

const KINDS = { server: SpanKind.SERVER, internal: SpanKind.INTERNAL } as const;

/**
 * Traces over OTLP/HTTP (JSON) with the OpenTelemetry SDK.
 *
 * It registers itself globally, because `bullmq-otel` finds tracer and context only there: a process can have one at a
 * time. No instrumentation is loaded; every span is one that this system makes.
 */
export function startOtlpTracing(options: StartTracingOptions & { endpoint: string }): Tracing {
  const { app, config, endpoint, logger } = options;
  const exporter = new OTLPTraceExporter({
    url: `${endpoint.replace(/\/+$/u, "")}/v1/traces`,
    headers: { ...config.headers },
    timeoutMillis: EXPORT_TIMEOUT_MS,
    concurrencyLimit: 2,
  });
  const provider = new TracerProvider({
    sampler: new ParentBasedSampler({ root: rootSampler(config.sampleRatio) }),
    resource: resourceFromAttributes({ "service.name": config.serviceName ?? `reelgate-${app}` }),
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: reportingFailures(exporter, logger),
        maxQueueSize: MAX_QUEUED_SPANS,
        scheduledDelayMillis: EXPORT_INTERVAL_MS,
        exportTimeoutMillis: EXPORT_TIMEOUT_MS,
      }),
    ],
  });
  trace.setGlobalTracerProvider(provider);
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  // No baggage: it would carry foreign text from process to process.
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  const tracer = provider.getTracer("reelgate");

  async function run<T>(
    span: Span,
    parent: Context,
    work: (notes: SpanNotes) => Promise<T>,
  ): Promise<T> {
    try {
      return await context.with(trace.setSpan(parent, span), () => work(notesOn(span)));
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR });
      span.setAttribute("error.type", errorTypeOf(error));
      throw error;
    } finally {
      span.end();
    }
  }

  return {
    isOn: true,
    // From the root: a `traceparent` that came with a public request is whatever its sender made up.
    startTrace: (name, kind, work) => {
      const marked = ROOT_CONTEXT.setValue(STARTS_TRACE, true);
      return run(tracer.startSpan(name, { kind: KINDS[kind] }, marked), ROOT_CONTEXT, work);
    },
    span: (name, work) => {
      const parent = context.active();
      return run(tracer.startSpan(name, {}, parent), parent, work);
    },
    async [Symbol.asyncDispose]() {
      await withinMs(
        provider.shutdown().catch(() => {}),
        FLUSH_MS,
      );
      trace.disable();
      context.disable();
      propagation.disable();
    },
  };
}

/** Only what `startTrace` begins is a trace: an idle worker that polls its queue is none. */
function rootSampler(ratio: number): Sampler {
  const sampled = new TraceIdRatioBasedSampler(ratio);
  return {
    shouldSample: (at, traceId) =>
      at.getValue(STARTS_TRACE) === true
        ? sampled.shouldSample(at, traceId)
        : { decision: SamplingDecision.NOT_RECORD },
    toString: () => `started traces, ${ratio}`,
  };
}

function notesOn(span: Span): SpanNotes {
  return {
    set(attributes) {
      for (const [name, value] of Object.entries(attributes)) {
        if (value !== null) span.setAttribute(name, value);
      }
    },
  };
}

/** The code of an AppError, else the name of the class: a message may quote what came from outside. */
function errorTypeOf(error: unknown): string {
  if (!(error instanceof Error)) return "unknown";
  return "code" in error && typeof error.code === "string" ? error.code : error.name;
}

function reportingFailures(exporter: OTLPTraceExporter, logger: Logger): SpanExporter {
  let loggedAtMs = -Infinity;
  return {
    export(spans: ReadableSpan[], done: (result: ExportResult) => void) {
      exporter.export(spans, (result) => {
        const nowMs = performance.now();
        const isDue = nowMs - loggedAtMs >= FAILURE_LOG_INTERVAL_MS;
        if (result.code !== ExportResultCode.SUCCESS && isDue) {
          loggedAtMs = nowMs;
          // Not the error itself: it can hold the collector's whole answer.
          logger.warn({ reason: errorTypeOf(result.error) }, "traces could not be sent");
        }
        done(result);
      });
    },
    forceFlush: () => exporter.forceFlush(),
    shutdown: () => exporter.shutdown(),
  };
}
