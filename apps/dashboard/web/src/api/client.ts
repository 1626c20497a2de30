import { z } from "zod";
import { ApiError, errorText } from "./api-error.ts";
import { noteFailure, noteSuccess } from "./api-health.ts";

const errorAnswerSchema = z.object({ error: z.string(), message: z.string() });

export interface RequestOptions {
  method?: "GET" | "POST";
  signal?: AbortSignal;
}

/** A server that does not answer at all looks like one that is slow; after this it counts as away. Milliseconds. */
const TIMEOUT_MS = 15_000;

/**
 * Asks the API of this dashboard, and holds its answer against the contract.
 *
 * @throws ApiError when no answer came, when it is an error, or when it is not what the contract says. A request that
 * was given up by its own `signal` rejects with the signal's reason.
 */
export async function request<T>(
  path: `/api/${string}`,
  answer: z.ZodType<T>,
  options: RequestOptions = {},
): Promise<T> {
  const { method = "GET", signal } = options;
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  let response: Response;
  let body: unknown;
  try {
    response = await fetch(path, {
      method,
      headers: { accept: "application/json" },
      signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
    });
    body = await readJson(response);
  } catch (error) {
    signal?.throwIfAborted();
    const message = timeout.aborted
      ? `The dashboard did not answer within ${TIMEOUT_MS / 1000} s.`
      : "The dashboard cannot be reached.";
    noteFailure(Date.now(), message);
    throw new ApiError("unreachable", message, { cause: error });
  }
  if (!response.ok) {
    const told = errorAnswerSchema.safeParse(body);
    const message = told.success ? told.data.message : `The dashboard answered ${response.status}.`;
    if (response.status >= 500) noteFailure(Date.now(), message);
    else noteSuccess(Date.now());
    throw new ApiError("refused", message, {
      status: response.status,
      ...(told.success ? { code: told.data.error } : {}),
    });
  }
  noteSuccess(Date.now());
  const parsed = answer.safeParse(body);
  if (parsed.success) return parsed.data;
  throw new ApiError(
    "misunderstood",
    "These pages do not understand the answer of the dashboard. Reload them: it may have been updated.",
    { cause: errorText(parsed.error) },
  );
}

/** Undefined for what is no JSON: a proxy's error page, most often. */
async function readJson(response: Response): Promise<unknown> {
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
