import type { ColumnType, Generated, GeneratedAlways, JSONColumnType } from "kysely";
import type { FileFormat, Finding, Media } from "@reelgate/shared/contract/media";
import type {
  Conflict,
  LookResult,
  Outcome,
  Problem,
  RecordingState,
  StoredCopy,
} from "@reelgate/shared/contract/recording";

/**
 * The tables as the code sees them. Whole numbers of Postgres' bigint arrive as strings of digits, times as ISO 8601
 * with microseconds (`database.ts` sets the parsers).
 */
export interface RecordingsTable {
  id: GeneratedAlways<string>;
  identity: string;
  appid: string;
  app: string | null;
  appname: string | null;
  stream_id: string;
  channel_id: string | null;
  file_id: string | null;
  record_file_id: string | null;
  template_id: string | null;
  task_id: string | null;
  format: FileFormat;
  started_at: string;
  ended_at: string;
  declared_duration_s: string | number;
  declared_size_bytes: string | number;
  declared_bitrate_kbps: string | number | null;
  stream_param: string | null;
  callback_ext: string | null;
  media_start_time: string | number | null;
  video_url: string;
  callback_count: Generated<number>;
  conflict_count: Generated<number>;
  received_at: string;
  state: Generated<RecordingState>;
  media: JSONColumnType<Media> | null;
  findings: ColumnType<Finding[], string | undefined, string>;
  stored: JSONColumnType<StoredCopy> | null;
  failure_code: string | null;
  failure_message: string | null;
  failed_at: string | null;
  media_generation: Generated<number>;
  media_attempts: Generated<number>;
  /** When its first callback was settled; null for rows older than this column. */
  catalogued_at: Generated<string | null>;
  /** When the last look ended that could say what is in the file. */
  verified_at: string | null;
  /** Callbacks that retention removed; `callback_count` counts them still. */
  pruned_callbacks: Generated<number>;
}

export interface LooksTable {
  id: GeneratedAlways<string>;
  recording_id: string;
  generation: number;
  ended_at: Generated<string>;
  duration_ms: string | number | null;
  result: LookResult;
  final: boolean;
  failure_code: string | null;
  failure_message: string | null;
}

export interface CallbacksTable {
  seq: GeneratedAlways<string>;
  digest: Buffer;
  outcome: Outcome;
  event_type: string | null;
  recording_id: string | null;
  received_at: string;
  settled_at: Generated<string>;
  remote_address: string | null;
  request_id: string | null;
  key_index: number | null;
  body: Buffer;
  problems: JSONColumnType<Problem[]>;
  conflicts: JSONColumnType<Conflict[]>;
  unknown_fields: JSONColumnType<string[]>;
}

export interface Schema {
  recordings: RecordingsTable;
  callbacks: CallbacksTable;
  looks: LooksTable;
}
