import type { Selectable } from "kysely";
import type { Conflict } from "@reelgate/shared/contract/recording";
import type { RecordingEvent } from "@reelgate/shared/contract/recording-event";
import { redactText, withoutQuery } from "@reelgate/shared/redact";
import { isoFromUnixMicroseconds } from "./instant.ts";
import type { RecordingsTable } from "./schema.ts";

/** What a recording is described by, as far as callbacks are held against it. */
export type Described = Pick<
  Selectable<RecordingsTable>,
  | "app"
  | "appname"
  | "stream_id"
  | "file_id"
  | "record_file_id"
  | "template_id"
  | "task_id"
  | "format"
  | "started_at"
  | "ended_at"
  | "declared_duration_s"
  | "declared_size_bytes"
  | "video_url"
>;

/**
 * The fields in which a callback contradicts the recording that it names: both say something, and not the same.
 * What only one of them says is no contradiction.
 *
 * Compared is what describes the file. Left out is what legitimately differs from one callback of a file to the next
 * or says nothing about it: `t`, `sign`, the parameters of the push, `callback_ext`, the query of a signed URL.
 */
export function conflictsWith(recording: Described, event: RecordingEvent): Conflict[] {
  const compared: [
    field: string,
    recorded: string | number | null,
    received: string | number | null,
  ][] = [
    ["app", recording.app, event.app],
    ["appname", recording.appname, event.appname],
    ["stream_id", recording.stream_id, event.streamId],
    ["file_id", recording.file_id, event.fileId],
    ["record_file_id", recording.record_file_id, event.recordFileId],
    ["record_temp_id", recording.template_id, event.templateId],
    ["task_id", recording.task_id, event.taskId],
    ["file_format", recording.format, event.format],
    ["start_time", ...instants(recording.started_at, event.startedAtUs)],
    ["end_time", ...instants(recording.ended_at, event.endedAtUs)],
    ["duration", Number(recording.declared_duration_s), event.durationS],
    ["file_size", Number(recording.declared_size_bytes), event.sizeBytes],
    ["video_url", withoutQuery(recording.video_url), withoutQuery(event.videoUrl)],
  ];
  return compared
    .filter(
      ([, recorded, received]) => recorded !== null && received !== null && recorded !== received,
    )
    .map(([field, recorded, received]) => ({
      field,
      recorded: typeof recorded === "string" ? redactText(recorded) : recorded,
      received: typeof received === "string" ? redactText(received) : received,
    }));
}

const WHOLE_SECOND = ".000000Z";

/**
 * Two times to compare. A callback without microseconds says nothing of them, so beside a whole second only seconds
 * count.
 */
function instants(recorded: string, receivedUs: number): [recorded: string, received: string] {
  const received = isoFromUnixMicroseconds(receivedUs);
  const isCoarse = [recorded, received].some((instant) => instant.endsWith(WHOLE_SECOND));
  const comparable = (instant: string): string =>
    isCoarse ? `${instant.slice(0, -WHOLE_SECOND.length)}${WHOLE_SECOND}` : instant;
  return [comparable(recorded), comparable(received)];
}
