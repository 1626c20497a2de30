import type { AuditRange, FaultyRecording } from "@reelgate/catalogue/audit";
import type { CallbackSearch, StoredCallback } from "@reelgate/catalogue/callback-search";
import type { RetryRequest } from "@reelgate/catalogue/media-state";
import type { PageRequest } from "@reelgate/catalogue/page";
import type { CallbackBatch, PruneWindow } from "@reelgate/catalogue/prune";
import type { RecordingFilter } from "@reelgate/catalogue/recordings";
import type { ConfigReport } from "@reelgate/shared/config-report";
import type { MediaJob, QueueName } from "@reelgate/shared/contract/jobs";
import type {
  Callback,
  Page,
  Recording,
  RecordingWithCallbacks,
} from "@reelgate/shared/contract/recording";

/** The catalogue as the commands need it. Every function throws AppError `catalogue_unavailable` while it is away. */
export interface Catalogue {
  listRecordings(filter: RecordingFilter, page: PageRequest): Promise<Page<Recording>>;
  getRecording(id: string): Promise<RecordingWithCallbacks | null>;
  requestRetry(id: string): Promise<RetryRequest>;
  searchCallbacks(search: CallbackSearch, page: PageRequest): Promise<Page<Callback>>;
  getCallback(id: string): Promise<Callback | null>;
  /** With the bodies as they came: for replays alone. */
  searchStoredCallbacks(search: CallbackSearch, page: PageRequest): Promise<Page<StoredCallback>>;
  getStoredCallback(id: string): Promise<StoredCallback | null>;
}

/** The catalogue's half of an audit. */
export interface AuditCatalogue {
  extent(): Promise<{ recordings: number; callbacks: number }>;
  nextRange(
    table: "recordings" | "callbacks",
    after: string,
    limit: number,
  ): Promise<AuditRange | null>;
  faultyRecordings(range: Pick<AuditRange, "after" | "last">): Promise<FaultyRecording[]>;
  alteredCallbacks(range: Pick<AuditRange, "after" | "last">): Promise<string[]>;
  settledAmong(ids: readonly string[]): Promise<Set<string>>;
  recordingsAmong(ids: readonly string[]): Promise<Set<string>>;
  pendingJobs(options: {
    receivedBefore: string;
    afterId: string;
    limit: number;
  }): Promise<MediaJob[]>;
  /** Whether a recording still waits for this job. */
  isPending(job: MediaJob): Promise<boolean>;
}

/** The catalogue's half of retention. */
export interface PruneCatalogue {
  lastPrunableSeq(before: string): Promise<string>;
  prunableCallbacks(
    window: PruneWindow,
    range: { afterSeq: string; lastSeq: string },
  ): Promise<CallbackBatch>;
  deleteCallbacks(ids: readonly string[], before: string): Promise<number>;
  deleteLooks(window: PruneWindow): Promise<number>;
  countLooksBefore(before: string): Promise<number>;
}

/** Where a job is. `gone`: Redis does not know it. */
export type JobPlace = "in_flight" | "completed" | "failed" | "gone";

export interface JobGlance {
  id: string;
  place: JobPlace;
  /** When it was queued: Unix time in milliseconds; null when nothing says so. */
  addedAtMs: number | null;
}

/** Job states in which a job waits or is worked on, and those in which it has ended. */
export const OPEN_STATES = ["waiting", "prioritized", "active", "delayed"] as const;
export const ENDED_STATES = ["completed", "failed"] as const;

export interface QueueDepths {
  name: QueueName;
  isPaused: boolean;
  /** Null when Redis does not say who is connected. */
  workers: number | null;
  states: Record<
    (typeof OPEN_STATES)[number] | (typeof ENDED_STATES)[number],
    { count: number; oldestAgeMs: number | null }
  >;
}

/** An app that fills the queues or works on them. */
export type QueueApp = "ingress" | "worker";

/** The queues. Every function throws AppError `redis_unavailable` while Redis is away. */
export interface Queues {
  /** Into how many shards each queue is split. */
  readonly shardCount: number;
  depths(): Promise<QueueDepths[]>;
  enqueueMedia(job: MediaJob): Promise<void>;
  /** Queues a settled callback to be judged again. */
  enqueueReplay(callback: StoredCallback): Promise<void>;
  /** Replays that no worker has taken yet. */
  replaysWaiting(): Promise<number>;
  /** Which apps that fill or work on the queues are connected to Redis; null where it does not tell. */
  connectedApps(): Promise<readonly QueueApp[] | null>;
  /** Notes how many shards the queues have: an app that is told another number takes no part. */
  noteShardCount(shardCount: number): Promise<void>;
  /** Removes both queues with all that is in them. */
  removeAll(): Promise<void>;
}

/** The queues' half of an audit and of retention. */
export interface Jobs {
  /** Every id of a callback's job, once or more; those that come or go meanwhile may be missing. */
  callbackIds(): AsyncIterable<string[]>;
  /** Every id of a recording's media job, the same. */
  mediaIds(): AsyncIterable<string[]>;
  /** Ids of the jobs of stage 1 that have failed for good. There is never one in a sound system. */
  failedCallbackIds(): AsyncIterable<string[]>;
  /** Where these jobs are, in the order of their ids. */
  glance(queue: QueueName, ids: readonly string[]): Promise<JobGlance[]>;
  /** How many ended jobs that ended before a time there are; a failed job of stage 1 is not among them. */
  countEnded(beforeMs: number): Promise<number>;
  /** Removes up to `limit` of them; returns how many. */
  removeEnded(beforeMs: number, limit: number): Promise<number>;
}

export const CHECKED_APPS = ["ingress", "worker", "dashboard", "cli"] as const;
export type CheckedApp = (typeof CHECKED_APPS)[number];

/** Everything that a command can ask for; each part connects when it is asked for. */
export interface Ports {
  catalogue(): Promise<Catalogue>;
  auditCatalogue(): Promise<AuditCatalogue>;
  pruneCatalogue(): Promise<PruneCatalogue>;
  queues(): Promise<Queues>;
  jobs(): Promise<Jobs>;
  /** Brings the schema up to this version; names what was applied, and what is of a newer version. */
  migrate(): Promise<{ applied: string[]; newer: string[] }>;
  checkConfig(app: CheckedApp): Promise<ConfigReport>;
}
