import type { ServerResponse } from "node:http";
import type { ErrorRequestHandler, RequestHandler } from "express";
import type { IngressTelemetry } from "../telemetry.ts";
import { discardBody, sendAnswer } from "./answer.ts";

/** Every path that is none of ours. The path itself is not logged: it may be a token with a typing error. */
export const notFound: RequestHandler = async (request, response) => {
  await discardBody(request);
  sendAnswer(response, "not_found");
};

/**
 * The last resort. Express has client errors of its own, for paths that it cannot decode, and those are no path of
 * ours; anything else is a defect, of which the client learns nothing.
 */
export function errorHandler(telemetry: IngressTelemetry): ErrorRequestHandler {
  // Express knows an error handler by its four parameters.
  return (error: unknown, _request, response, _next) => {
    if (isClientError(error)) {
      sendAnswer(response, "not_found");
      return;
    }
    answerDefect(telemetry, error, response);
  };
}

/** The end of a request that met a defect of this program. */
export function answerDefect(
  telemetry: IngressTelemetry,
  error: unknown,
  response: ServerResponse,
): void {
  telemetry.failed(error);
  sendAnswer(response, "internal");
}

function isClientError(error: unknown): boolean {
  if (!(error instanceof Error) || !("status" in error)) return false;
  return typeof error.status === "number" && error.status >= 400 && error.status < 500;
}
