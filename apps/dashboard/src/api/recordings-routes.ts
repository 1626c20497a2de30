import {
  pageSchema,
  recordingSchema,
  recordingWithCallbacksSchema,
} from "@reelgate/shared/contract/recording";
import type { Catalogue } from "../ports.ts";
import { apiRoute, noQuery } from "./api-route.ts";
import type { ApiRoute } from "./api-route.ts";
import { CALLBACK, CURSOR, LOOK, RECORDING } from "./examples.ts";
import { recordingFilterOf, recordingsQuery } from "./recordings-query.ts";

export function recordingsRoutes(options: {
  catalogue: Pick<Catalogue, "listRecordings" | "getRecording">;
}): ApiRoute[] {
  const { catalogue } = options;
  return [
    apiRoute({
      method: "get",
      path: "/api/recordings",
      operationId: "listRecordings",
      summary: "Recordings, the latest start first",
      query: recordingsQuery,
      answer: pageSchema(recordingSchema),
      answerName: "RecordingPage",
      example: { items: [RECORDING], nextCursor: CURSOR },
      run: async (query) => ({
        kind: "ok",
        body: await catalogue.listRecordings(recordingFilterOf(query), {
          limit: query.limit,
          cursor: query.cursor,
        }),
      }),
    }),
    apiRoute({
      method: "get",
      path: "/api/recordings/:id",
      operationId: "getRecording",
      summary: "One recording with the callbacks that named it and the looks at its file",
      query: noQuery,
      answer: recordingWithCallbacksSchema,
      answerName: "RecordingWithCallbacks",
      example: { ...RECORDING, callbacks: [CALLBACK], looks: [LOOK] },
      errors: ["recording_not_found"],
      run: async (_query, params) => {
        const recording = await catalogue.getRecording(params["id"] ?? "");
        return recording === null
          ? { kind: "error", code: "recording_not_found" }
          : { kind: "ok", body: recording };
      },
    }),
  ];
}
