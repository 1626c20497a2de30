import { z } from "zod";
import { FILE_FORMATS } from "@reelgate/shared/contract/media";
import type { FileFormat } from "@reelgate/shared/contract/media";
import type { MediaJob, MediaQueue } from "@reelgate/shared/contract/jobs";
import {
  RECORDING_STATES,
  pageSchema,
  recordingSchema,
  recordingWithCallbacksSchema,
} from "@reelgate/shared/contract/recording";
import type { RecordingState } from "@reelgate/shared/contract/recording";
import type { Catalogue } from "../ports.ts";
import { apiRoute, noQuery } from "./api-route.ts";
import type { ApiRoute } from "./api-route.ts";
import { queryChoice, queryCursor, queryLimit, queryText, queryTime } from "./query.ts";

const recordingsQuery: z.ZodObject<{
  stream_id: z.ZodOptional<z.ZodType<string>>;
  app: z.ZodOptional<z.ZodType<string>>;
  appname: z.ZodOptional<z.ZodType<string>>;
  state: z.ZodOptional<z.ZodType<RecordingState>>;
  format: z.ZodOptional<z.ZodType<FileFormat>>;
  task_id: z.ZodOptional<z.ZodType<string>>;
  from: z.ZodOptional<z.ZodType<string>>;
  to: z.ZodOptional<z.ZodType<string>>;
  q: z.ZodOptional<z.ZodType<string>>;
  limit: z.ZodType<number>;
  cursor: z.ZodType<string | null>;
}> = z.object({
  stream_id: queryText.optional(),
  app: queryText.optional(),
  appname: queryText.optional(),
  state: queryChoice(RECORDING_STATES).optional(),
  format: queryChoice(FILE_FORMATS).optional(),
  task_id: queryText.optional(),
  from: queryTime.optional(),
  to: queryTime.optional(),
  q: queryText.optional(),
  limit: queryLimit,
  cursor: queryCursor,
});

export interface RecordingsRoutesOptions {
  catalogue: Catalogue;
  mediaQueue: MediaQueue;
  onRetry: (job: MediaJob) => void;
  /** The recording is pending, but its job could not be queued; the worker's sweep will queue it. */
  onEnqueueFailed: (job: MediaJob, error: unknown) => void;
}

export function recordingsRoutes(options: RecordingsRoutesOptions): ApiRoute[] {
  const { catalogue, mediaQueue, onRetry, onEnqueueFailed } = options;
  return [
    apiRoute({
      method: "get",
      path: "/api/recordings",
      summary: "Recordings, the latest start first",
      query: recordingsQuery,
      answer: pageSchema(recordingSchema),
      run: async (query) => ({
        kind: "ok",
        body: await catalogue.listRecordings(
          {
            streamId: query.stream_id,
            app: query.app,
            appname: query.appname,
            state: query.state,
            format: query.format,
            taskId: query.task_id,
            from: query.from,
            to: query.to,
            q: query.q,
          },
          { limit: query.limit, cursor: query.cursor },
        ),
      }),
    }),
    apiRoute({
      method: "get",
      path: "/api/recordings/:id",
      summary: "One recording with the callbacks that named it",
      query: noQuery,
      answer: recordingWithCallbacksSchema,
      errors: ["recording_not_found"],
      run: async (_query, params) => {
        const recording = await catalogue.getRecording(params["id"] ?? "");
        return recording === null
          ? { kind: "error", code: "recording_not_found" }
          : { kind: "ok", body: recording };
      },
    }),
    apiRoute({
      method: "post",
      path: "/api/recordings/:id/retry",
      summary: "Look at the recording's file again",
      query: noQuery,
      status: 202,
      answer: z.object({ id: z.string(), state: z.literal("pending") }),
      errors: ["recording_not_found", "retry_not_possible"],
      run: async (_query, params) => {
        const retry = await catalogue.requestRetry(params["id"] ?? "");
        switch (retry.kind) {
          case "not_found":
            return { kind: "error", code: "recording_not_found" };
          case "not_possible":
            return {
              kind: "error",
              code: "retry_not_possible",
              message: `The recording is ${retry.state}: a look at its file is on its way already.`,
            };
          case "accepted": {
            const { job } = retry;
            onRetry(job);
            // The state decides, the job only hurries: the worker's sweep queues what is pending without a job.
            await mediaQueue.enqueue(job).catch((error: unknown) => onEnqueueFailed(job, error));
            return { kind: "ok", body: { id: job.recordingId, state: "pending" } };
          }
          default:
            return retry satisfies never;
        }
      },
    }),
  ];
}
