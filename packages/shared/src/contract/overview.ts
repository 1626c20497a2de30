import { z } from "zod";
import { FINDING_KINDS } from "./media.ts";
import type { FindingKind } from "./media.ts";
import { OUTCOMES } from "./recording.ts";
import type { Outcome } from "./recording.ts";

/** Half of all are at or below `p50S`, 99 of 100 at or below `p99S`; seconds. */
export interface Percentiles {
  p50S: number;
  p99S: number;
}
const percentilesSchema: z.ZodType<Percentiles> = z.object({ p50S: z.number(), p99S: z.number() });

/** Jobs of one queue by state, and how long the one that runs next has been waiting. */
export interface QueueDepth {
  waiting: number;
  active: number;
  delayed: number;
  failed: number;
  completed: number;
  /** Seconds since it was queued, or was last tried; null when none waits. */
  oldestWaitingS: number | null;
}
const count = z.number().int().nonnegative();
const queueDepthSchema: z.ZodType<QueueDepth> = z.object({
  waiting: count,
  active: count,
  delayed: count,
  failed: count,
  completed: count,
  oldestWaitingS: z.number().nonnegative().nullable(),
});

/** The stations between the end of a recording and its verdict, of the recordings that were verified in the window. */
export const LAG_STATIONS = [
  "endToReceived",
  "receivedToCatalogued",
  "cataloguedToVerified",
  "endToVerified",
] as const;
export type LagStation = (typeof LAG_STATIONS)[number];

/** `GET /api/overview`: what happened in the last minutes, and what waits now. */
export interface Overview {
  /** The clock of Postgres, ISO 8601. */
  at: string;
  windowMinutes: number;
  /** One entry for each minute of the window, the oldest first; `at` is its beginning. The last one is not over yet. */
  minutes: { at: string; byOutcome: Record<Outcome, number> }[];
  /** Of the window the latest million callbacks are counted: those settled before this time are not. Null: all are. */
  countedFrom: string | null;
  /** Empty while Redis is away. */
  queues: Record<string, QueueDepth>;
  /** Over the first verdicts, not those of retries, among the latest verified recordings of the window, at most 10,000; a station is null when none has it. */
  lag: { recordings: number } & Record<LagStation, Percentiles | null>;
  /** Recordings whose state is failed now, by code, the most frequent first; 100,000 stands for as many or more. */
  failures: { code: string; recordings: number }[];
  /** Failed looks by code, the most frequent first, among the latest looks of the window, at most 100,000. */
  failedLooks: { code: string; looks: number }[];
  /** Findings of the recordings that `lag` is about, the most frequent first. */
  findings: { kind: FindingKind; recordings: number }[];
}
export const overviewSchema: z.ZodType<Overview> = z.object({
  at: z.string(),
  windowMinutes: count,
  minutes: z.array(z.object({ at: z.string(), byOutcome: z.record(z.enum(OUTCOMES), count) })),
  countedFrom: z.string().nullable(),
  queues: z.record(z.string(), queueDepthSchema),
  lag: z.object({
    recordings: count,
    endToReceived: percentilesSchema.nullable(),
    receivedToCatalogued: percentilesSchema.nullable(),
    cataloguedToVerified: percentilesSchema.nullable(),
    endToVerified: percentilesSchema.nullable(),
  }),
  failures: z.array(z.object({ code: z.string(), recordings: count })),
  failedLooks: z.array(z.object({ code: z.string(), looks: count })),
  findings: z.array(z.object({ kind: z.enum(FINDING_KINDS), recordings: count })),
});

/** `GET /api/about`: what this installation offers, for the pages. */
export interface About {
  version: string;
  /** Whether stored copies can be played through the dashboard. */
  playsStoredCopies: boolean;
  /** Whether the pages may play the provider's own URL. */
  playsProviderUrls: boolean;
}
export const aboutSchema: z.ZodType<About> = z.object({
  version: z.string(),
  playsStoredCopies: z.boolean(),
  playsProviderUrls: z.boolean(),
});

/**
 * `POST /api/recordings/retry?<filter>`: one page of a bulk retry. Whoever wants all goes on with `nextCursor` until it
 * is null. `skipped` are recordings that are pending already.
 */
export interface BulkRetry {
  retried: number;
  skipped: number;
  nextCursor: string | null;
}
export const bulkRetrySchema: z.ZodType<BulkRetry> = z.object({
  retried: count,
  skipped: count,
  nextCursor: z.string().nullable(),
});
