import type { IncomingMessage, RequestListener } from "node:http";
import type { RequestHandler } from "express";
import { answerError } from "./error-answer.ts";

const unreadable = new WeakSet<IncomingMessage>();

/**
 * Leads requests to an app whose target is no path that can be read as well, under the path `/`: of `http://[/` Express
 * finds no path, runs none of its handlers, and answers 404 in HTML before the password was asked for. The app has to
 * refuse them, with {@link targetGate}.
 */
export function withReadableTarget(app: RequestListener): RequestListener {
  return (request, response) => {
    const target = request.url ?? "";
    if (!target.startsWith("/") || !URL.canParse(target, "http://localhost")) {
      unreadable.add(request);
      request.url = "/";
    }
    app(request, response);
  };
}

/** Refuses what {@link withReadableTarget} found unreadable. */
export function targetGate(): RequestHandler {
  return (request, response, next) => {
    if (unreadable.has(request)) answerError(response, "invalid_target");
    else next();
  };
}
