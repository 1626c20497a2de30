import type { Logger } from "../logger.ts";

/** Where traces go, and how many; see `TRACING_ENV`. */
export interface TracingConfig {
  /** Base URL of an OTLP/HTTP collector; null for no traces at all. */
  endpoint: string | null;
  /** Sent with every export; may hold a secret. */
  headers: Readonly<Record<string, string>>;
  /** Null: `reelgate-` and the name of the app. */
  serviceName: string | null;
  /** Share of traces that are kept, from 0 to 1. */
  sampleRatio: number;
}

/** Ids, counts and names out of closed sets. Never a URL, a body or a key (guarantee G6). */
export type SpanAttributes = Readonly<Record<string, string | number | boolean | null>>;

/** What work in a span may say about itself. */
export interface SpanNotes {
  /** Null leaves an attribute out. */
  set(attributes: SpanAttributes): void;
}

export type SpanKind = "server" | "internal";

/** Spans of this process. Work that throws ends its span as failed, with the code of the error and not its message. */
export interface Tracing extends AsyncDisposable {
  readonly isOn: boolean;
  /** Does `work` as the beginning of a trace of its own, whatever surrounds the call. */
  startTrace<T>(name: string, kind: SpanKind, work: (span: SpanNotes) => Promise<T>): Promise<T>;
  /** Does `work` as a part of the trace that the caller is in; outside of any trace it only does the work. */
  span<T>(name: string, work: (span: SpanNotes) => Promise<T>): Promise<T>;
}

const NO_NOTES: SpanNotes = { set() {} };

/** Only does the work. */
export const NO_TRACING: Tracing = {
  isOn: false,
  startTrace: (_name, _kind, work) => work(NO_NOTES),
  span: (_name, work) => work(NO_NOTES),
  async [Symbol.asyncDispose]() {},
};

export interface StartTracingOptions {
  app: string;
  config: TracingConfig;
  logger: Logger;
}
