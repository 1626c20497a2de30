import { z } from "zod";
import type { ErrorCode } from "@reelgate/shared/errors";
import { parseQuery } from "./query.ts";

/** What a handler answers: a body in the shape of the route's `answer`, or a registered error. */
export type ApiResult =
  | { kind: "ok"; body: unknown }
  | { kind: "error"; code: ErrorCode; message?: string };

/**
 * One operation of the API as data: what it takes, what it answers, and the plain function that does it. The router,
 * the metrics and the description of the API all read this one declaration.
 */
export interface ApiRoute {
  method: "get" | "post";
  /** In Express' syntax; also the value of the `route` label in the metrics. */
  path: `/api/${string}`;
  summary: string;
  query: z.ZodObject;
  status: 200 | 202;
  answer: z.ZodType;
  /** Errors of its own, beyond those that every route has (`unauthorized`, `invalid_query`, `catalogue_unavailable` …). */
  errors: readonly ErrorCode[];
  handle: (params: Readonly<Record<string, string>>, search: URLSearchParams) => Promise<ApiResult>;
}

export interface ApiRouteOptions<Query, Answer> {
  method: ApiRoute["method"];
  path: ApiRoute["path"];
  summary: string;
  query: z.ZodObject & z.ZodType<Query>;
  status?: ApiRoute["status"];
  answer: z.ZodType<Answer>;
  errors?: readonly ErrorCode[];
  run: (
    query: Query,
    params: Readonly<Record<string, string>>,
  ) => Promise<{ kind: "ok"; body: Answer } | Extract<ApiResult, { kind: "error" }>>;
}

/** Ties the types of query and answer to the function, then forgets them, so that routes can stand in one list. */
export function apiRoute<Query, Answer>(options: ApiRouteOptions<Query, Answer>): ApiRoute {
  const { method, path, summary, query, status = 200, answer, errors = [], run } = options;
  return {
    method,
    path,
    summary,
    query,
    status,
    answer,
    errors,
    handle: async (params, search) => await run(parseQuery(query, search), params),
  };
}

/** The query of an operation that takes none. */
export const noQuery: z.ZodObject<Record<string, never>> = z.object({});
