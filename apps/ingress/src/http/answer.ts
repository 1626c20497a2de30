import type { IncomingMessage, ServerResponse } from "node:http";
import { finished } from "node:stream/promises";
import { answerTo } from "../ingest/outcome.ts";
import type { Answer, OutcomeKind } from "../ingest/outcome.ts";

/** Sends the answer to an outcome, and nothing if the client has gone. */
export function sendAnswer(
  response: ServerResponse,
  kind: OutcomeKind,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  const answer = answerTo(kind);
  if (!response.headersSent && !response.destroyed) {
    response
      .writeHead(answer.status, {
        "content-type": "application/json",
        "content-length": answer.body.length,
        ...(answer.retryAfterS === null ? {} : { "retry-after": String(answer.retryAfterS) }),
        ...headers,
      })
      .end(answer.body);
  }
  return answer;
}

/**
 * Reads a body to its end and drops it, so that a client that is still sending gets to read its answer: closing a
 * socket with unread bytes resets the connection, and the answer is lost with it. Bounded by the server's
 * `requestTimeout`.
 */
export async function discardBody(request: IncomingMessage): Promise<void> {
  if (request.complete || request.destroyed) return;
  request.resume();
  // A client that goes away in the middle is one that needs no answer.
  await finished(request, { writable: false }).catch(() => undefined);
}
