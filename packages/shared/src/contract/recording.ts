import { z } from "zod";
import { fileFormatSchema, findingSchema, mediaSchema } from "./media.ts";
import type { FileFormat, Finding, Media } from "./media.ts";

/** The end of a callback (guarantee G2: every acknowledged callback has exactly one). */
export const OUTCOMES = ["recorded", "duplicate", "conflict", "invalid", "unsupported"] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** Where a recording stands. */
export const RECORDING_STATES = ["pending", "indexed", "stored", "failed"] as const;
export type RecordingState = (typeof RECORDING_STATES)[number];

export interface StoredCopy {
  url: string;
  sizeBytes: number;
  sha256: string;
  files: number;
}

/** Why a recording could not be verified, and after how many attempts. `at` is ISO 8601. */
export interface RecordingFailure {
  code: string;
  message: string;
  attempts: number;
  at: string;
}

/** One row of the recordings catalogue as the API shows it: secrets redacted, times ISO 8601 with microseconds. */
export interface Recording {
  id: string;
  identity: string;
  appid: string;
  app: string | null;
  appname: string | null;
  streamId: string;
  channelId: string | null;
  fileId: string | null;
  recordFileId: string | null;
  templateId: string | null;
  taskId: string | null;
  format: FileFormat;
  startedAt: string;
  endedAt: string;
  declared: { durationS: number; sizeBytes: number; bitrateKbps: number | null };
  streamParam: string | null;
  callbackExt: unknown;
  /** PTS, in the unit the provider uses (milliseconds in captured callbacks), when the stream was first pulled. */
  mediaStartTime: number | null;
  videoUrl: string;
  callbackCount: number;
  conflictCount: number;
  receivedAt: string;
  state: RecordingState;
  media: Media | null;
  findings: Finding[];
  stored: StoredCopy | null;
  failure: RecordingFailure | null;
}

export const recordingSchema: z.ZodType<Recording> = z.object({
  id: z.string(),
  identity: z.string(),
  appid: z.string(),
  app: z.string().nullable(),
  appname: z.string().nullable(),
  streamId: z.string(),
  channelId: z.string().nullable(),
  fileId: z.string().nullable(),
  recordFileId: z.string().nullable(),
  templateId: z.string().nullable(),
  taskId: z.string().nullable(),
  format: fileFormatSchema,
  startedAt: z.string(),
  endedAt: z.string(),
  declared: z.object({
    durationS: z.number(),
    sizeBytes: z.number(),
    bitrateKbps: z.number().nullable(),
  }),
  streamParam: z.string().nullable(),
  callbackExt: z.unknown(),
  mediaStartTime: z.number().nullable(),
  videoUrl: z.string(),
  callbackCount: z.number(),
  conflictCount: z.number(),
  receivedAt: z.string(),
  state: z.enum(RECORDING_STATES),
  media: mediaSchema.nullable(),
  findings: z.array(findingSchema),
  stored: z
    .object({ url: z.string(), sizeBytes: z.number(), sha256: z.string(), files: z.number() })
    .nullable(),
  failure: z
    .object({ code: z.string(), message: z.string(), attempts: z.number(), at: z.string() })
    .nullable(),
});

/** One reason why a callback is invalid: the path into its body and what is wrong there. */
export interface Problem {
  path: string;
  message: string;
}

/** One field in which a callback contradicts the recording that it names. */
export interface Conflict {
  field: string;
  recorded: string | number | null;
  received: string | number | null;
}

/** One callback as the API shows it. `body` is the body it came with, secrets redacted. */
export interface Callback {
  id: string;
  outcome: Outcome;
  eventType: string | null;
  recordingId: string | null;
  receivedAt: string;
  settledAt: string;
  remoteAddress: string | null;
  requestId: string | null;
  /** Which of CALLBACK_KEYS matched, counted from 0; null for an unsigned callback. */
  keyIndex: number | null;
  problems: Problem[];
  conflicts: Conflict[];
  /** Top-level fields that the specification does not know. */
  unknownFields: string[];
  body: string;
}

export const callbackSchema: z.ZodType<Callback> = z.object({
  id: z.string(),
  outcome: z.enum(OUTCOMES),
  eventType: z.string().nullable(),
  recordingId: z.string().nullable(),
  receivedAt: z.string(),
  settledAt: z.string(),
  remoteAddress: z.string().nullable(),
  requestId: z.string().nullable(),
  keyIndex: z.number().nullable(),
  problems: z.array(z.object({ path: z.string(), message: z.string() })),
  conflicts: z.array(
    z.object({
      field: z.string(),
      recorded: z.union([z.string(), z.number(), z.null()]),
      received: z.union([z.string(), z.number(), z.null()]),
    }),
  ),
  unknownFields: z.array(z.string()),
  body: z.string(),
});

/** A keyset page, newest first. `nextCursor` is opaque; null on the last page. */
export interface Page<T> {
  items: T[];
  nextCursor: string | null;
}
export const pageSchema = <T>(item: z.ZodType<T>): z.ZodType<Page<T>> =>
  z.object({ items: z.array(item), nextCursor: z.string().nullable() });

/** How a look ended: with a report, with a copy, or with a failure. */
export const LOOK_RESULTS = ["indexed", "stored", "failed"] as const;
export type LookResult = (typeof LOOK_RESULTS)[number];

/** One look at a recording's file. `generation` counts the operator's retries, from 0. */
export interface Look {
  generation: number;
  result: LookResult;
  endedAt: string;
  /** Null for a look of which nobody measured it. */
  durationMs: number | null;
  /** False for a failure that is followed by another attempt. */
  final: boolean;
  code: string | null;
  message: string | null;
}
export const lookSchema: z.ZodType<Look> = z.object({
  generation: z.number().int(),
  result: z.enum(LOOK_RESULTS),
  endedAt: z.string(),
  durationMs: z.number().nullable(),
  final: z.boolean(),
  code: z.string().nullable(),
  message: z.string().nullable(),
});

/**
 * `GET /api/recordings/:id`: the row with the callbacks that named it, the oldest first, and the looks at its file, the
 * latest first. Of each there are 200 at most, of callbacks with large bodies fewer; `GET /api/callbacks?recording_id=`
 * pages through all of them.
 */
export type RecordingWithCallbacks = Recording & { callbacks: Callback[]; looks: Look[] };
export const recordingWithCallbacksSchema: z.ZodType<RecordingWithCallbacks> = z.intersection(
  recordingSchema,
  z.object({ callbacks: z.array(callbackSchema), looks: z.array(lookSchema) }),
);

/** `GET /api/stats`: what is in the catalogue and what is still on its way. */
export interface Stats {
  callbacks: { total: number; byOutcome: Record<Outcome, number> };
  recordings: { total: number; byState: Record<RecordingState, number>; withFindings: number };
  queues: Record<
    string,
    { waiting: number; active: number; delayed: number; failed: number; completed: number }
  >;
}
const count = z.number().int().nonnegative();
export const statsSchema: z.ZodType<Stats> = z.object({
  callbacks: z.object({ total: count, byOutcome: z.record(z.enum(OUTCOMES), count) }),
  recordings: z.object({
    total: count,
    byState: z.record(z.enum(RECORDING_STATES), count),
    withFindings: count,
  }),
  queues: z.record(
    z.string(),
    z.object({ waiting: count, active: count, delayed: count, failed: count, completed: count }),
  ),
});
