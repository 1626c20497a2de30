import type { Response } from "express";
import { AppError, ERRORS } from "@reelgate/shared/errors";
import type { ErrorCode, ErrorDefinition } from "@reelgate/shared/errors";

/** Every answer that is not a success: `{"code":<status>,"error":"<code>","message":"…"}`. */
export interface ErrorAnswer {
  code: number;
  error: ErrorCode;
  message: string;
}

/** Sends the answer of a registered error. `message` replaces the registry's sentence and must carry no secret. */
export function answerError(response: Response, code: ErrorCode, message?: string): void {
  const definition: ErrorDefinition = ERRORS[code];
  const status = definition.status ?? 500;
  const body: ErrorAnswer = { code: status, error: code, message: message ?? definition.message };
  if (status === 503 && !response.hasHeader("Retry-After")) response.set("Retry-After", "2");
  response.status(status).json(body);
}

/**
 * What a thrown value is as an answer. Of an error that is not the caller's fault nothing but the registry's sentence
 * leaves the process: messages of Postgres, Redis or Node name hosts, tables and paths.
 */
export function errorAnswerOf(error: unknown): { code: ErrorCode; message?: string } {
  if (error instanceof AppError && error.status !== null) {
    return error.status < 500 ? { code: error.code, message: error.message } : { code: error.code };
  }
  // Express itself throws for a path whose percent-encoding is broken: nothing can be there.
  if (error instanceof URIError) return { code: "not_found" };
  return { code: "internal" };
}
