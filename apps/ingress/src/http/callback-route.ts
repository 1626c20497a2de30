import { hash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { Router } from "express";
import type { Tracing } from "@reelgate/shared/tracing/tracing";
import type { Delivery } from "../ingest/ingest.ts";
import type { Outcome } from "../ingest/outcome.ts";
import type { AddressLimiter } from "../ingest/ports.ts";
import type { IngressTelemetry } from "../telemetry.ts";
import { discardBody, sendAnswer } from "./answer.ts";
import type { BodyBudget } from "./body-budget.ts";
import { remoteAddressReader, requestIdOf } from "./client.ts";
import type { Connections } from "./connections.ts";
import { answerDefect } from "./error-handler.ts";
import { rawBodyReader } from "./raw-body.ts";

export interface CallbackRouteOptions {
  /** The last part of the only path for callbacks; null for the path without it. */
  pathToken: string | null;
  maxBodyBytes: number;
  maxInFlight: number;
  bodies: BodyBudget;
  connections: Pick<Connections, "hold" | "letGo">;
  /** Null: no address is limited. */
  limiter: AddressLimiter | null;
  /** How many reverse proxies in front may name the client's address. */
  trustProxyHops: number;
  ingest: (delivery: Delivery) => Promise<Outcome>;
  telemetry: IngressTelemetry;
  tracing: Tracing;
}

const CALLBACK_PATH = "/callbacks/css";
/** Without the path token, which is a secret. */
const SPAN_NAME = `POST ${CALLBACK_PATH}`;

/** One route, and two ways to it. */
export interface CallbackRoute {
  /** For Express, which understands every way to write its path. */
  router: Router;
  /**
   * Answers a request whose target is the path as everybody writes it, without the detour through Express, which is a
   * fifth of what a callback costs this process (measured: 134 µs with an encoded letter in the path token, which only
   * the router understands, 107 µs without). False leaves the request to the router.
   */
  takes: (request: IncomingMessage, response: ServerResponse) => boolean;
}

/** `POST /callbacks/css`: every request ends in one outcome, one answer, one line and one count. */
export function callbackRoute(options: CallbackRouteOptions): CallbackRoute {
  const { telemetry, tracing } = options;
  const readBody = rawBodyReader(options.maxBodyBytes, options.bodies);
  const remoteAddressOf = remoteAddressReader(options.trustProxyHops);
  let inFlight = 0;

  const overloaded = (): Outcome | null =>
    inFlight < options.maxInFlight
      ? null
      : { kind: "overloaded", detail: `${inFlight} callbacks in flight` };

  const receive = async (
    request: IncomingMessage,
    response: ServerResponse,
    origin: Omit<Delivery, "body">,
  ): Promise<Outcome & { isGivenUp?: true }> => {
    if (request.method !== "POST")
      return { kind: "method_not_allowed", detail: request.method ?? null };
    // Looked at twice: before the body, since reading it costs too, and after it, since many may arrive together. A body
    // on its way does not count, or a few hundred slow senders would shut everyone else out.
    const early =
      overloaded() ??
      (options.limiter === null ? null : await rateLimited(options.limiter, origin));
    if (early !== null) return early;
    const body = await readBody(request, response);
    if (!body.ok) return body;
    using _ = body.held;
    const late = overloaded();
    if (late !== null) return late;
    options.connections.hold(request.socket);
    telemetry.inFlight(++inFlight);
    try {
      return await options.ingest({ body: body.bytes, ...origin });
    } finally {
      telemetry.inFlight(--inFlight);
      options.connections.letGo(request.socket);
    }
  };

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const startedAtMs = performance.now();
    const origin = { requestId: requestIdOf(request), remoteAddress: remoteAddressOf(request) };
    const outcome = await tracing.startTrace(SPAN_NAME, "server", async (span) => {
      const received = await receive(request, response, origin);
      // What gave way is slow: to read it to its end would hold the connection for as long as it likes.
      const isGivenUp = received.isGivenUp === true;
      if (isGivenUp) response.once("finish", () => request.destroy());
      else await discardBody(request);
      const { status } = sendAnswer(response, received.kind, headersOf(received, isGivenUp));
      span.set({
        "http.route": CALLBACK_PATH,
        "http.response.status_code": status,
        "reelgate.answer": received.kind,
        "reelgate.request.id": origin.requestId,
      });
      return received;
    });
    telemetry.answered(outcome, { ...origin, durationMs: performance.now() - startedAtMs });
  };

  const router = Router({ caseSensitive: true, strict: true });
  const isToken = options.pathToken === null ? null : tokenComparison(options.pathToken);
  if (isToken === null) {
    router.all(CALLBACK_PATH, (request, response, next) => {
      handle(request, response).catch(next);
    });
  } else {
    router.all(`${CALLBACK_PATH}/:token`, (request, response, next) => {
      if (isToken(request.params.token)) handle(request, response).catch(next);
      else next();
    });
  }
  return {
    router,
    takes(request, response) {
      if (!isPlainTarget(request.url ?? "", isToken)) return false;
      handle(request, response).catch((error: unknown) => {
        answerDefect(telemetry, error, response);
      });
      return true;
    },
  };
}

/** @returns null when the address may go on. */
async function rateLimited(
  limiter: AddressLimiter,
  { remoteAddress }: Omit<Delivery, "body">,
): Promise<Outcome | null> {
  if (remoteAddress === null) return null;
  const waitMs = await limiter.waitMs(remoteAddress);
  if (waitMs === 0) return null;
  return { kind: "rate_limited", detail: null, retryAfterS: Math.ceil(waitMs / 1000) };
}

const NO_HEADERS: Readonly<Record<string, string>> = {};

function headersOf(outcome: Outcome, closes: boolean): Readonly<Record<string, string>> {
  if (outcome.kind === "accepted") return NO_HEADERS;
  return {
    ...(outcome.kind === "method_not_allowed" ? { allow: "POST" } : {}),
    ...(outcome.kind === "rate_limited" ? { "retry-after": String(outcome.retryAfterS) } : {}),
    ...(closes ? { connection: "close" } : {}),
  };
}

/** Whether a request target is the path of callbacks without anything that would have to be decoded or resolved. */
function isPlainTarget(target: string, isToken: ((given: string) => boolean) | null): boolean {
  const end = target.indexOf("?");
  const path = end === -1 ? target : target.slice(0, end);
  if (isToken === null) return path === CALLBACK_PATH;
  if (!path.startsWith(`${CALLBACK_PATH}/`)) return false;
  const given = path.slice(CALLBACK_PATH.length + 1);
  return PLAIN_TOKEN.test(given) && isToken(given);
}

const PLAIN_TOKEN = /^[\w-]+$/u;

/** Compares digests, so that neither the length nor the beginning of the token shows in the time it takes. */
function tokenComparison(token: string): (given: string) => boolean {
  const digest = (text: string): Buffer => hash("sha256", text, "buffer");
  const expected = digest(token);
  return (given) => timingSafeEqual(digest(given), expected);
}
