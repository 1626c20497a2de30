import { z } from "zod";
import type { BulkMediaQueue, MediaJob } from "@reelgate/shared/contract/jobs";
import { bulkRetrySchema } from "@reelgate/shared/contract/overview";
import type { Catalogue } from "../ports.ts";
import { apiRoute, noQuery } from "./api-route.ts";
import type { ApiRoute } from "./api-route.ts";
import { CURSOR } from "./examples.ts";
import { queryChoice } from "./query.ts";
import { recordingFilterOf, recordingsQuery } from "./recordings-query.ts";

export interface RetryRoutesOptions {
  catalogue: Pick<Catalogue, "requestRetry" | "requestRetries">;
  mediaQueue: BulkMediaQueue;
  onRetry: (jobs: readonly MediaJob[]) => void;
  /** The recordings are pending, but their jobs could not be queued; the worker's sweep will queue them. */
  onEnqueueFailed: (jobs: readonly MediaJob[], error: unknown) => void;
}

const bulkQuery = recordingsQuery.extend({
  all: queryChoice(["true"])
    .optional()
    .describe("In the place of any filter: every recording of the catalogue."),
});

export function retryRoutes(options: RetryRoutesOptions): ApiRoute[] {
  const { catalogue, mediaQueue, onRetry, onEnqueueFailed } = options;

  /** The state decides, jobs only hurry: the worker's sweep queues what is pending without one. */
  async function enqueue(jobs: readonly MediaJob[]): Promise<void> {
    if (jobs.length === 0) return;
    onRetry(jobs);
    await mediaQueue.enqueueAll(jobs).catch((error: unknown) => onEnqueueFailed(jobs, error));
  }

  return [
    apiRoute({
      method: "post",
      path: "/api/recordings/retry",
      operationId: "retryRecordings",
      summary: "Look again at the files of one page of a list; go on with `nextCursor` until null",
      query: bulkQuery,
      status: 202,
      answer: bulkRetrySchema,
      answerName: "BulkRetry",
      example: { retried: 48, skipped: 2, nextCursor: CURSOR },
      run: async (query) => {
        const filter = recordingFilterOf(query);
        const isNarrowed = Object.values(filter).some((value) => value !== undefined);
        if (isNarrowed === (query.all !== undefined)) {
          return {
            kind: "error",
            code: "invalid_query",
            message: isNarrowed
              ? "all=true goes with no filter."
              : "Name what to retry by at least one filter, such as state=failed. To retry every recording of the catalogue, say all=true.",
          };
        }
        const { jobs, skipped, nextCursor } = await catalogue.requestRetries(filter, {
          limit: query.limit,
          cursor: query.cursor,
        });
        await enqueue(jobs);
        return { kind: "ok", body: { retried: jobs.length, skipped, nextCursor } };
      },
    }),
    apiRoute({
      method: "post",
      path: "/api/recordings/:id/retry",
      operationId: "retryRecording",
      summary: "Look at the recording's file again",
      query: noQuery,
      status: 202,
      answer: z.object({ id: z.string(), state: z.literal("pending") }),
      answerName: "Retry",
      example: { id: "17", state: "pending" },
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
            await enqueue([retry.job]);
            return { kind: "ok", body: { id: retry.job.recordingId, state: "pending" } };
          }
          default:
            return retry satisfies never;
        }
      },
    }),
  ];
}
