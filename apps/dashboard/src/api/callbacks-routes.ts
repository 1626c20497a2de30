import { z } from "zod";
import { OUTCOMES, callbackSchema, pageSchema } from "@reelgate/shared/contract/recording";
import type { Outcome } from "@reelgate/shared/contract/recording";
import type { Catalogue } from "../ports.ts";
import { apiRoute, noQuery } from "./api-route.ts";
import type { ApiRoute } from "./api-route.ts";
import { CALLBACK } from "./examples.ts";
import { queryChoice, queryCursor, queryId, queryLimit, queryText } from "./query.ts";

const callbacksQuery: z.ZodObject<{
  outcome: z.ZodOptional<z.ZodType<Outcome>>;
  event_type: z.ZodOptional<z.ZodType<string>>;
  recording_id: z.ZodOptional<z.ZodType<string>>;
  limit: z.ZodType<number>;
  cursor: z.ZodType<string | null>;
}> = z.object({
  outcome: queryChoice(OUTCOMES).optional().describe("Callbacks that ended so."),
  event_type: queryText.optional().describe("Callbacks of this event type, such as 100."),
  recording_id: queryId.optional().describe("Callbacks that named this recording."),
  limit: queryLimit,
  cursor: queryCursor,
});

export function callbacksRoutes(options: { catalogue: Catalogue }): ApiRoute[] {
  const { catalogue } = options;
  return [
    apiRoute({
      method: "get",
      path: "/api/callbacks",
      operationId: "listCallbacks",
      summary: "Callbacks with their outcomes, the latest settled first",
      query: callbacksQuery,
      answer: pageSchema(callbackSchema),
      answerName: "CallbackPage",
      example: { items: [CALLBACK], nextCursor: null },
      run: async (query) => ({
        kind: "ok",
        body: await catalogue.listCallbacks(
          {
            outcome: query.outcome,
            eventType: query.event_type,
            recordingId: query.recording_id,
          },
          { limit: query.limit, cursor: query.cursor },
        ),
      }),
    }),
    apiRoute({
      method: "get",
      path: "/api/callbacks/:id",
      operationId: "getCallback",
      summary: "One callback",
      query: noQuery,
      answer: callbackSchema,
      answerName: "Callback",
      example: CALLBACK,
      errors: ["not_found"],
      run: async (_query, params) => {
        const callback = await catalogue.getCallback(params["id"] ?? "");
        return callback === null
          ? { kind: "error", code: "not_found", message: "No callback has this id." }
          : { kind: "ok", body: callback };
      },
    }),
  ];
}
