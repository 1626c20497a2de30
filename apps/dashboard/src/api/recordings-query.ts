import { z } from "zod";
import type { RecordingFilter } from "@reelgate/catalogue/recordings";
import { FILE_FORMATS, FINDING_KINDS } from "@reelgate/shared/contract/media";
import type { FileFormat, FindingKind } from "@reelgate/shared/contract/media";
import { RECORDING_STATES } from "@reelgate/shared/contract/recording";
import type { RecordingState } from "@reelgate/shared/contract/recording";
import { queryChoice, queryCursor, queryLimit, queryText, queryTime } from "./query.ts";

/** What narrows a list of recordings, in the words of the API. */
export interface RecordingsQuery {
  stream_id?: string | undefined;
  app?: string | undefined;
  appname?: string | undefined;
  state?: RecordingState | undefined;
  format?: FileFormat | undefined;
  finding?: FindingKind | "any" | undefined;
  task_id?: string | undefined;
  from?: string | undefined;
  to?: string | undefined;
  q?: string | undefined;
  limit: number;
  cursor: string | null;
}

type Fields = {
  [K in keyof RecordingsQuery]-?: undefined extends RecordingsQuery[K]
    ? z.ZodOptional<z.ZodType<NonNullable<RecordingsQuery[K]>>>
    : z.ZodType<RecordingsQuery[K]>;
};

export const recordingsQuery: z.ZodObject<Fields> = z.object({
  stream_id: queryText.optional().describe("Recordings of this stream."),
  app: queryText.optional().describe("Recordings of this push domain."),
  appname: queryText.optional().describe("Recordings of this push path."),
  state: queryChoice(RECORDING_STATES).optional().describe("Recordings in this state."),
  format: queryChoice(FILE_FORMATS).optional().describe("Recordings of this declared format."),
  finding: queryChoice([...FINDING_KINDS, "any"] as const)
    .optional()
    .describe("Recordings with a finding of this kind, or with any."),
  task_id: queryText.optional().describe("Recordings of this task."),
  from: queryTime.optional().describe("Recordings that started then or later."),
  to: queryTime.optional().describe("Recordings that started before."),
  q: queryText
    .optional()
    .describe("Equals an id, stream id, file id, recording file id or task id."),
  limit: queryLimit,
  cursor: queryCursor,
});

export function recordingFilterOf(query: RecordingsQuery): RecordingFilter {
  return {
    streamId: query.stream_id,
    app: query.app,
    appname: query.appname,
    state: query.state,
    format: query.format,
    finding: query.finding,
    taskId: query.task_id,
    from: query.from,
    to: query.to,
    q: query.q,
  };
}
