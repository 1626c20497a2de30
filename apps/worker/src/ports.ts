import type { MediaJob } from "@reelgate/shared/contract/jobs";
import type { AppError } from "@reelgate/shared/errors";
import type { MediaReport } from "@reelgate/shared/contract/media";
import type { StoredCopy } from "@reelgate/shared/contract/recording";
import type { Replay } from "@reelgate/catalogue/replay";
import type { CallbackToSettle, Settlement } from "@reelgate/catalogue/settle";
import type { MediaFailure, MediaTarget, RecordingTimes } from "@reelgate/catalogue/media-state";
import type { JobProgress } from "./stages/stage.ts";

/** Where outcomes end. Every method throws AppError `catalogue_unavailable` while Postgres is away. */
export interface CallbackCatalogue {
  /** Gives a callback its one outcome; see `settleCallback` of the catalogue for what it promises. */
  settle(callback: CallbackToSettle): Promise<Settlement>;
  /** Gives a settled callback the outcome of its new judgement; see `replayCallback` of the catalogue. */
  replay(callback: CallbackToSettle): Promise<Replay>;
}

/** What came of judging a callback again. `refused`: Postgres takes no row of the new judgement, and the old one stands. */
export type ReplayEnd = Replay | { kind: "refused"; error: AppError };

/** The state of recordings, as stage 2 moves it. `false` and null mean: this job is no longer wanted. */
export interface MediaCatalogue {
  target(job: MediaJob): Promise<MediaTarget | null>;
  report(
    job: MediaJob,
    report: MediaReport,
    stored: StoredCopy | null,
    durationMs: number,
  ): Promise<boolean>;
  failure(job: MediaJob, failure: MediaFailure): Promise<boolean>;
  pendingJobs(options: {
    receivedBefore: string;
    afterId: string;
    limit: number;
  }): Promise<MediaJob[]>;
}

/** Among all workers one sweeps at a time, and not too often. */
export interface SweepTurn {
  /** True for the one whose turn it is now. */
  take(): Promise<boolean>;
}

/** What came of a recording's file. `broken`: no copy was made, for the reasons that the findings name. */
export type MediaResult =
  | { kind: "indexed"; report: MediaReport }
  | { kind: "stored"; report: MediaReport; stored: StoredCopy }
  | { kind: "broken"; report: MediaReport };

/** Does with the file of a recording what MEDIA_MODE asks for. */
export interface MediaEngine {
  /** Throws AppError of the media and storage codes when nothing can be said about it, or it cannot be stored. */
  process(target: MediaTarget, run: MediaRun): Promise<MediaResult>;
  /** Gives up what was fetched of a recording that is not tried again. Never throws. */
  discard(target: MediaTarget): Promise<void>;
}

export interface MediaRun {
  signal: AbortSignal;
  progress(value: JobProgress): void;
}

export interface Clock {
  nowMs(): number;
  /** Resolves after `delayMs`; rejects with the signal's reason when it aborts first. */
  sleep(delayMs: number, signal: AbortSignal): Promise<void>;
  /** From 0 up to, not including, 1: for jitter. */
  random(): number;
}

/** One method per event that an operator counts or reads about. */
export interface WorkerEvents {
  callbackSettled(
    settlement: Settlement,
    event: {
      callbackId: string;
      receivedAtMs: number;
      eventType: string | null;
      /** When the recording ended, as the callback says; null without a recording. */
      endedAtMs: number | null;
      unknownFields: number;
    },
  ): void;
  callbackReplayed(callbackId: string, end: ReplayEnd): void;
  callbackUnstorable(callbackId: string, error: unknown): void;
  catalogueAway(error: unknown): void;
  mediaVerified(
    job: MediaJob,
    report: MediaReport,
    stored: StoredCopy | null,
    times: RecordingTimes,
  ): void;
  mediaAttemptFailed(job: MediaJob, failure: MediaFailure, error: AppError): void;
  mediaObsolete(job: MediaJob): void;
  pendingSwept(count: number): void;
}
