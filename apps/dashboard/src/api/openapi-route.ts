import { z } from "zod";
import { callbackSchema, lookSchema, recordingSchema } from "@reelgate/shared/contract/recording";
import type { ErrorCode } from "@reelgate/shared/errors";
import {
  componentSchemas,
  errorResponses,
  openApiDocument,
  queryParameters,
} from "@reelgate/shared/openapi";
import type {
  OpenApiDocument,
  OpenApiOperation,
  OpenApiParameter,
  OpenApiResponse,
} from "@reelgate/shared/openapi";
import { apiRoute, noQuery } from "./api-route.ts";
import type { ApiRoute } from "./api-route.ts";

/** Errors that any operation may answer. */
const COMMON_ERRORS: readonly ErrorCode[] = [
  "invalid_query",
  "unauthorized",
  "too_many_attempts",
  "internal",
  "catalogue_rejected",
  "catalogue_unavailable",
  "catalogue_refused",
];

const DESCRIPTION = `What is in Reelgate's catalogue, what happened lately, and retries.

Lists are pages, the newest first. A page may have fewer items than \`limit\`; a list ends where \`nextCursor\` is null. Ids are strings: they pass 2^53. Times are ISO 8601. Secrets are redacted wherever they stand. A client must take no offence at members that it does not know.

Every error is \`{"code": status, "error": code, "message": sentence}\`. A request that changes something is refused when a page of another origin sent it.`;

/** The operations, and one more that describes them all and itself (OpenAPI 3.1). */
export function withDescription(routes: readonly ApiRoute[], version: string): ApiRoute[] {
  const all = [...routes];
  let document: OpenApiDocument | null = null;
  all.push(
    apiRoute({
      method: "get",
      path: "/api/openapi.json",
      operationId: "getDescription",
      summary: "This description, in OpenAPI 3.1",
      query: noQuery,
      answer: z.looseObject({ openapi: z.string() }),
      answerName: "Description",
      example: { openapi: "3.1.1" },
      run: () => {
        document ??= describe(all, version);
        return Promise.resolve({ kind: "ok", body: document });
      },
    }),
  );
  return all;
}

function describe(routes: readonly ApiRoute[], version: string): OpenApiDocument {
  const answers = routes.flatMap((route) =>
    route.kind === "json" ? [[route.answerName, route.answer] as const] : [],
  );
  return openApiDocument({
    title: "Reelgate dashboard",
    version,
    description: DESCRIPTION,
    operations: routes.map(operationOf),
    schemas: componentSchemas({
      Recording: recordingSchema,
      Callback: callbackSchema,
      Look: lookSchema,
      ...Object.fromEntries(answers),
    }),
    isPrivate: true,
  });
}

function operationOf(route: ApiRoute): OpenApiOperation {
  const errors = [
    ...COMMON_ERRORS,
    ...(route.method === "post" ? (["cross_origin"] as const) : []),
    ...route.errors,
  ];
  return {
    method: route.method,
    path: route.path.replaceAll(/:(\w+)/gu, "{$1}"),
    operationId: route.operationId,
    summary: route.summary,
    parameters: [...pathParameters(route.path), ...queryParameters(route.query)],
    responses: { ...answersOf(route), ...errorResponses(errors, { hasMessage: true }) },
  };
}

const RECORDING_ID = { description: "Id of the recording.", schema: { type: "string" } };
const PATH_PARAMETERS: Readonly<Record<string, Pick<OpenApiParameter, "description" | "schema">>> =
  {
    "/api/callbacks/:id": {
      description: "`cb-` and the sha256 of the body in hexadecimal.",
      schema: { type: "string" },
    },
    file: {
      description: "Name of a file as the playlist gives it.",
      schema: { type: "string" },
    },
  };

function pathParameters(path: string): OpenApiParameter[] {
  return [...path.matchAll(/:(\w+)/gu)].map(([, name = ""]) => ({
    name,
    in: "path",
    required: true,
    ...(PATH_PARAMETERS[path] ?? PATH_PARAMETERS[name] ?? RECORDING_ID),
  }));
}

function answersOf(route: ApiRoute): Record<string, OpenApiResponse> {
  if (route.kind === "json") {
    return {
      [route.status]: {
        description: route.status === 202 ? "Accepted" : "OK",
        content: {
          "application/json": {
            schema: { $ref: `#/components/schemas/${route.answerName}` },
            example: route.example,
          },
        },
      },
    };
  }
  return Object.fromEntries(
    Object.entries(route.answers).map(([status, { description, headers, contentTypes }]) => [
      status,
      {
        description,
        headers: Object.fromEntries(headers.map((name) => [name, { schema: { type: "string" } }])),
        ...(contentTypes.length === 0
          ? {}
          : { content: Object.fromEntries(contentTypes.map((type) => [type, {}])) }),
      },
    ]),
  );
}
