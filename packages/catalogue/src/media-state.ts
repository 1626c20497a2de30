import type { DeclaredMedia, MediaReport } from "@reelgate/shared/contract/media";
import type { MediaJob } from "@reelgate/shared/contract/jobs";
import type { LookResult, RecordingState, StoredCopy } from "@reelgate/shared/contract/recording";
import { sql } from "kysely";
import type { RawBuilder } from "kysely";
import type { CatalogueDatabase } from "./database.ts";
import { catalogued } from "./failures.ts";
import { json } from "./json-column.ts";
import { rowId } from "./page.ts";
import { storable } from "./text-column.ts";

/**
 * The state machine of a recording.
 *
 *     pending ──report──▶ indexed            (looked at where it is)
 *        │ │ ▲ └─report with a copy──▶ stored
 *        │ │ └───retry──── indexed | stored | failed
 *        │ └──failed attempt──▶ pending      (failure shows the last attempt)
 *        └──final failure──▶ failed          (stored, where an earlier look made a copy: the failure is kept beside it)
 *
 * `media_generation` counts retries. Every transition out of pending names the generation that it worked for and
 * changes nothing when a retry has come between: a slow job of an old generation cannot overwrite a newer verdict.
 */

/** The way of a recording so far, for metrics: each is ISO 8601. */
export interface RecordingTimes {
  /** Its end, as the callback says. */
  endedAt: string;
  /** The arrival of its first callback. */
  receivedAt: string;
  /** When that callback got its outcome, and the recording its row. */
  cataloguedAt: string;
}

/** What stage 2 needs to know about a recording. */
export interface MediaTarget {
  videoUrl: string;
  /** What the name of a stored copy is made of. `startedAt` is ISO 8601 with microseconds. */
  naming: {
    app: string | null;
    appname: string | null;
    streamId: string;
    startedAt: string;
    identity: string;
  };
  declared: DeclaredMedia;
  /** ISO 8601; the age of the callback decides how long a missing file is waited for. */
  receivedAt: string;
  /** Attempts of this generation that failed so far. */
  attempts: number;
  times: RecordingTimes;
}

/** The recording that a media job is about; null when the job is no longer wanted (settled, retried or gone). */
export async function getMediaTarget(
  db: CatalogueDatabase,
  job: MediaJob,
): Promise<MediaTarget | null> {
  const row = await catalogued(() =>
    db
      .selectFrom("recordings")
      .select([
        "video_url",
        "app",
        "appname",
        "stream_id",
        "started_at",
        "identity",
        "format",
        "declared_size_bytes",
        "declared_duration_s",
        "ended_at",
        "received_at",
        "media_attempts",
        (eb) =>
          eb
            .selectFrom("callbacks")
            .select("settled_at")
            .whereRef("callbacks.recording_id", "=", "recordings.id")
            .orderBy("seq")
            .limit(1)
            .as("catalogued_at"),
      ])
      .where("id", "=", job.recordingId)
      .where("media_generation", "=", job.generation)
      .where("state", "=", "pending")
      .executeTakeFirst(),
  );
  if (row === undefined) return null;
  return {
    videoUrl: row.video_url,
    naming: {
      app: row.app,
      appname: row.appname,
      streamId: row.stream_id,
      startedAt: row.started_at,
      identity: row.identity,
    },
    declared: {
      format: row.format,
      sizeBytes: Number(row.declared_size_bytes),
      durationS: Number(row.declared_duration_s),
    },
    receivedAt: row.received_at,
    attempts: row.media_attempts,
    times: {
      endedAt: row.ended_at,
      receivedAt: row.received_at,
      // The callback and the recording are of one transaction; only a foreign hand takes the callback away.
      cataloguedAt: row.catalogued_at ?? row.received_at,
    },
  };
}

/**
 * pending → indexed, with what was found; or stored, with the copy that was made. A look without a copy leaves an
 * earlier copy named. False when the job is no longer wanted.
 */
export async function recordMediaReport(
  db: CatalogueDatabase,
  job: MediaJob,
  report: MediaReport,
  stored: StoredCopy | null,
  durationMs: number | null = null,
): Promise<boolean> {
  const state = stored === null ? "indexed" : "stored";
  return await fromPending(
    db,
    job,
    {
      state,
      ...reportColumns(report),
      ...(stored === null ? {} : { stored: json(stored) }),
      failure_code: null,
      failure_message: null,
      failed_at: null,
      verified_at: new Date().toISOString(),
    },
    { result: state, final: true, durationMs },
  );
}

export interface MediaFailure {
  code: string;
  message: string;
  /** Attempts made, this one included. */
  attempts: number;
  /** No further attempt will be made: pending → failed, or back to stored where there is a copy. */
  final: boolean;
  /** What was found all the same, when the failure is that the file is broken; else null. */
  report: MediaReport | null;
  /** How long the look took, when that is known. */
  durationMs?: number;
}

/** Notes a failed attempt, the last one or not. False when the job is no longer wanted. */
export async function recordMediaFailure(
  db: CatalogueDatabase,
  job: MediaJob,
  failure: MediaFailure,
): Promise<boolean> {
  return await fromPending(
    db,
    job,
    {
      // A copy that was verified stays what the recording is: that its origin is gone by now is no loss.
      state: failure.final
        ? sql<RecordingState>`case when recordings.stored is null then 'failed' else 'stored' end`
        : "pending",
      failure_code: failure.code,
      failure_message: storable(failure.message, MAX_MESSAGE_CHARS),
      failed_at: new Date().toISOString(),
      media_attempts: failure.attempts,
      ...(failure.report === null ? {} : reportColumns(failure.report)),
    },
    { result: "failed", final: failure.final, durationMs: failure.durationMs ?? null },
  );
}

function reportColumns({ media, findings }: MediaReport): { media: string; findings: string } {
  return { media: json(media), findings: json(findings) };
}

interface PendingUpdate {
  state: RecordingState | RawBuilder<RecordingState>;
  media?: string;
  findings?: string;
  stored?: string;
  failure_code: string | null;
  failure_message: string | null;
  failed_at: string | null;
  media_attempts?: number;
  verified_at?: string;
}

/** What the history keeps of a look. */
interface LookEnd {
  result: LookResult;
  final: boolean;
  durationMs: number | null;
}

/** A message may quote an origin's answer. */
const MAX_MESSAGE_CHARS = 4096;

/** Moves the recording and writes its history in one statement: neither is ever there without the other. */
async function fromPending(
  db: CatalogueDatabase,
  job: MediaJob,
  update: PendingUpdate,
  look: LookEnd,
): Promise<boolean> {
  const noted = await catalogued(() =>
    db
      .with("moved", (query) =>
        query
          .updateTable("recordings")
          .set(update)
          .where("id", "=", job.recordingId)
          .where("media_generation", "=", job.generation)
          .where("state", "=", "pending")
          .returning(["id", "media_generation"]),
      )
      .insertInto("looks")
      .columns([
        "recording_id",
        "generation",
        "result",
        "final",
        "duration_ms",
        "failure_code",
        "failure_message",
      ])
      .expression((query) =>
        query
          .selectFrom("moved")
          .select((moved) => [
            "moved.id",
            "moved.media_generation",
            moved.val(look.result).as("result"),
            moved.val(look.final).as("final"),
            sql<string | null>`${wholeMs(look.durationMs)}::bigint`.as("duration_ms"),
            sql<string | null>`${update.failure_code}::text`.as("failure_code"),
            sql<string | null>`${update.failure_message}::text`.as("failure_message"),
          ]),
      )
      .returning("id")
      .executeTakeFirst(),
  );
  return noted !== undefined;
}

function wholeMs(durationMs: number | null): number | null {
  return durationMs === null ? null : Math.round(durationMs);
}

export type RetryRequest =
  | { kind: "accepted"; job: MediaJob }
  | { kind: "not_found" }
  | { kind: "not_possible"; state: RecordingState };

/**
 * Sends a recording back to pending, for a new look at its file. What the last look found stays until then.
 * A pending recording cannot be retried: its job is on its way already.
 */
export async function requestRetry(db: CatalogueDatabase, id: string): Promise<RetryRequest> {
  if (!rowId.safeParse(id).success) return { kind: "not_found" };
  return await catalogued(async () => {
    const retried = await db
      .updateTable("recordings")
      .set((row) => ({
        state: "pending",
        media_generation: row("media_generation", "+", 1),
        media_attempts: 0,
        failure_code: null,
        failure_message: null,
        failed_at: null,
      }))
      .where("id", "=", id)
      .where("state", "<>", "pending")
      .returning("media_generation")
      .executeTakeFirst();
    if (retried !== undefined) {
      return { kind: "accepted", job: { recordingId: id, generation: retried.media_generation } };
    }
    const row = await db
      .selectFrom("recordings")
      .select("state")
      .where("id", "=", id)
      .executeTakeFirst();
    return row === undefined ? { kind: "not_found" } : { kind: "not_possible", state: row.state };
  });
}

/**
 * The media jobs that pending recordings wait for, in the order of their ids, from `afterId` on. Whoever enqueues them
 * again changes nothing for those that are queued, and mends those whose job was lost with Redis or by a crash.
 *
 * @param receivedBefore ISO 8601: younger recordings are left to the worker that is settling them.
 */
export async function listPendingMediaJobs(
  db: CatalogueDatabase,
  options: { receivedBefore: string; afterId: string; limit: number },
): Promise<MediaJob[]> {
  const rows = await catalogued(() =>
    db
      .selectFrom("recordings")
      .select(["id", "media_generation"])
      .where("state", "=", "pending")
      // Always true: it leads to the index that lists cannot take.
      .where("media_generation", ">=", 0)
      .where("id", ">", options.afterId)
      .where("received_at", "<", options.receivedBefore)
      .orderBy("id")
      .limit(options.limit)
      .execute(),
  );
  return rows.map((row) => ({ recordingId: row.id, generation: row.media_generation }));
}
