import type { Request, Response } from "express";
import { z } from "zod";
import type { ErrorCode } from "@reelgate/shared/errors";
import { parseQuery } from "./query.ts";

/** What a handler answers: a body in the shape of the route's `answer`, or a registered error. */
export type ApiResult =
  | { kind: "ok"; body: unknown }
  | { kind: "error"; code: ErrorCode; message?: string };

type Params = Readonly<Record<string, string>>;

interface RouteDescription {
  method: "get" | "post";
  /** In Express' syntax; also the value of the `route` label in the metrics. */
  path: `/api/${string}`;
  /** Its name in the description of the API: unique, stable, fit for a function. */
  operationId: string;
  summary: string;
  query: z.ZodObject;
  /** Errors of its own, beyond those that every route has (`unauthorized`, `invalid_query`, `catalogue_unavailable` …). */
  errors: readonly ErrorCode[];
}

/** An operation that answers JSON. */
export interface JsonRoute extends RouteDescription {
  kind: "json";
  status: 200 | 202;
  answer: z.ZodType;
  /** What the answer is called in the description of the API. */
  answerName: string;
  example: unknown;
  handle: (params: Params, search: URLSearchParams) => Promise<ApiResult>;
}

/** An answer that is not JSON. */
export interface RawAnswer {
  description: string;
  headers: readonly string[];
  /** Of the bytes that follow; empty when none do. */
  contentTypes: readonly string[];
}

/** An operation that sends its answers itself: bytes or a redirect. */
export interface RawRoute extends RouteDescription {
  kind: "raw";
  method: "get";
  answers: Readonly<Record<number, RawAnswer>>;
  serve: (
    params: Params,
    search: URLSearchParams,
    request: Request,
    response: Response,
  ) => Promise<void>;
}

/**
 * One operation of the API as data: what it takes, what it answers, and the plain function that does it. The router,
 * the metrics and the description of the API all read this one declaration.
 */
export type ApiRoute = JsonRoute | RawRoute;

export interface ApiRouteOptions<Query, Answer> {
  method: ApiRoute["method"];
  path: ApiRoute["path"];
  operationId: string;
  summary: string;
  query: z.ZodObject & z.ZodType<Query>;
  status?: JsonRoute["status"];
  answer: z.ZodType<Answer>;
  answerName: string;
  example: Answer;
  errors?: readonly ErrorCode[];
  run: (
    query: Query,
    params: Params,
  ) => Promise<{ kind: "ok"; body: Answer } | Extract<ApiResult, { kind: "error" }>>;
}

/** Ties the types of query and answer to the function, then forgets them, so that routes can stand in one list. */
export function apiRoute<Query, Answer>(options: ApiRouteOptions<Query, Answer>): JsonRoute {
  const { run, query, status = 200, errors = [], ...description } = options;
  return {
    ...description,
    kind: "json",
    query,
    status,
    errors,
    handle: async (params, search) => await run(parseQuery(query, search), params),
  };
}

export interface RawRouteOptions<Query> extends Pick<
  RawRoute,
  "path" | "operationId" | "summary" | "answers" | "errors"
> {
  query: z.ZodObject & z.ZodType<Query>;
  serve: (query: Query, params: Params, request: Request, response: Response) => Promise<void>;
}

export function rawRoute<Query>(options: RawRouteOptions<Query>): RawRoute {
  const { query, serve, ...description } = options;
  return {
    ...description,
    kind: "raw",
    method: "get",
    query,
    serve: async (params, search, request, response) =>
      await serve(parseQuery(query, search), params, request, response),
  };
}

/** The query of an operation that takes none. */
export const noQuery: z.ZodObject<Record<string, never>> = z.object({});
